"use strict";
// The audit: every promise, green or red, with the orders that break it.
(() => {
  const { el, t, api } = Live;

  Live.runAudit = async () => {
    Live.openTab("audit");
    Live.text(document.getElementById("audit-state"), t("audit_runs"));
    try {
      Live.emit("audit", await api("POST", "/api/audit", {}));
    } finally {
      if (!Live.audit) Live.text(document.getElementById("audit-state"), "");
    }
  };

  Live.on("audit", (audit) => {
    Live.audit = audit;
    show();
    Live.announce(document.getElementById("audit-state").textContent);
  });
  Live.on("choices", () => Live.audit && show());
  Live.on("setup", () => {
    const place = document.getElementById("audit-place");
    const attributes = { class: "primary", "data-t": "audit_now", id: "audit-run" };
    place.append(Live.button(t("audit_now"), place, Live.runAudit, attributes));
  });

  Live.brokenPromises = () =>
    Object.values(Live.audit.arms)
      .flatMap((arm) => arm.promises)
      .filter((one) => !one.kept);

  function show() {
    const { at_ms, arms } = Live.audit;
    const broken = Live.brokenPromises().length;
    const is_unread = Object.values(arms).some((arm) => arm.error);
    const verdict = broken === 0 ? t("audit_green") : t("audit_red", broken);
    const shown = is_unread ? t("audit_unread") : verdict;
    Live.text(document.getElementById("audit-state"), `${shown} (${Live.clock(at_ms)})`);
    const badge = document.getElementById("audit-badge");
    const is_green = broken === 0 && !is_unread;
    Live.text(badge, is_green ? "✓" : `✗ ${broken || ""}`);
    badge.className = is_green ? "badge good" : "badge bad";
    const sides = Live.arms.filter((arm) => arms[arm]).map((arm) => side(arm, arms[arm]));
    document.getElementById("audit").replaceChildren(...sides);
  }

  function side(arm, audit) {
    const quiet = audit.quiet ? t("audit_quiet") : t("audit_busy");
    return el(
      "section",
      { "aria-label": t(`side_${arm}`) },
      el("h3", {}, el("b", { class: arm }, t(`side_${arm}`)), " ", el("small", {}, quiet)),
      audit.error && el("p", { class: "problem" }, audit.error),
      el("ul", { class: "promises" }, ...audit.promises.map((promise) => line(arm, promise))),
    );
  }

  function line(arm, promise) {
    const verdict = promise.kept ? t("kept") : t("broken");
    const checked = promise.checked == null ? "" : t("checked", Live.number(promise.checked));
    return el(
      "li",
      { class: promise.kept ? "kept" : "broken" },
      el("span", { class: "sign", "aria-hidden": "true" }, promise.kept ? "✓" : "✗"),
      el("span", { class: "hidden" }, `${verdict}: `),
      el("span", {}, Live.promise(promise.promise)),
      el("small", {}, ` ${checked}`),
      el("ul", {}, ...(promise.violations ?? []).map((one) => violation(arm, one))),
    );
  }

  function violation(arm, { order, text }) {
    if (!order) return el("li", {}, text);
    const link = el("button", { type: "button", class: "order" }, order);
    link.addEventListener("click", () => Live.showJourney({ [arm]: order }));
    return el("li", {}, link, ` ${text}`);
  }
})();
