"use strict";
// The menu on each part: what can be done to it, with the mouse and with the keyboard.
(() => {
  const { el, t, api } = Live;
  let opener = null;

  /** The settings of the provider, each with the fault that the server then names. */
  const PROVIDER = {
    provider_healthy: [null, { latency_ms: 0, error_rate: 0, hang_rate: 0 }],
    provider_slow: ["provider_latency_ms", { latency_ms: 2000, error_rate: 0, hang_rate: 0 }],
    provider_fails: ["provider_error_rate", { latency_ms: 0, error_rate: 0.5, hang_rate: 0 }],
    provider_hangs: ["provider_hang_rate", { latency_ms: 0, error_rate: 0, hang_rate: 1 }],
  };
  /** The faults of SQS: without, with, and the fault that the server then names. */
  const SQS = {
    latency_ms: [null, { p50: 100, p99: 500 }, "sqs_latency"],
    duplicates: [0, 0.3, "sqs_duplicates"],
    reorder: [0, 0.3, "sqs_reorder"],
    errors: [0, 0.2, "sqs_errors"],
    throttle: [0, 0.3, "sqs_throttle_entries"],
    paused: [false, true, "sqs_paused"],
  };

  Live.openMenu = (button, arm, part, kind) => {
    const menu = document.getElementById("menu");
    if (menu.matches(":popover-open")) menu.hidePopover();
    opener = button;
    const place = button.closest(".node");
    menu.replaceChildren(...items(arm, part, kind).map((item) => entry(item, place)));
    menu.setAttribute("aria-label", t("actions_of", part.name));
    menu.showPopover();
    placeNear(menu, button);
    menu.querySelector("button")?.focus();
  };

  Live.startMenus = () => {
    const menu = document.getElementById("menu");
    menu.addEventListener("keydown", move);
    menu.addEventListener("toggle", (event) => {
      if (event.newState === "closed") opener?.focus({ preventScroll: true });
    });
  };

  /** The action of a part, shown where it failed if it fails. */
  Live.act = (arm, name, action) => {
    const place = Live.nodeOf(arm, name);
    const path = `/api/parts/${arm}/${encodeURIComponent(name)}/${action}`;
    return Live.attempt(place, () => api("POST", path, {}));
  };

  function items(arm, part, kind) {
    if (kind === "provider") return providerItems(arm);
    const processes = kind === "postgres" ? [] : running(arm, part.name);
    const names = processes.length > 1 ? processes.map((one) => one.name) : [part.name];
    const post = (name, action) => () => api("POST", `/api/parts/${arm}/${name}/${action}`, {});
    const list = names.map((name) => ({
      label: names.length > 1 ? t("kill_one", name) : t("kill"),
      act: post(name, "kill"),
      danger: true,
    }));
    list.push({ label: t("restart"), act: post(part.name, "restart") });
    const is_paused = Live.nodeOf(arm, part.name)?.dataset.state === "paused";
    const other = is_paused ? "continue" : "pause";
    list.push({ label: t(other), act: post(part.name, other) });
    if (kind === "service" || part.name === "monolith") {
      list.push(...scaleItems(arm, part.name, Math.max(processes.length, 1)));
    }
    if (kind === "queue_server") list.push(...sqsItems(arm));
    return list;
  }

  function running(arm, name) {
    const of_arm = Live.tick?.arms[arm];
    return of_arm ? Live.replicasOf(of_arm, name) : [];
  }

  function scaleItems(arm, name, now) {
    const scale = (replicas) => () => api("POST", `/api/parts/${arm}/${name}/scale`, { replicas });
    const choice = (replicas) => ({
      label: t("replicas", replicas),
      act: scale(replicas),
      role: "menuitemradio",
      checked: replicas === now,
    });
    return [{ heading: t("scale") }, ...[1, 2, 3, 4].map(choice)];
  }

  /** What the server says counts: another tab or a question may have changed it. */
  function hasFault(id, arm) {
    const faults = Live.tick?.faults ?? [];
    return faults.some((fault) => fault.id === id && fault.arm === arm);
  }

  function providerItems(arm) {
    const now = Object.keys(PROVIDER).find((name) => hasFault(PROVIDER[name][0], arm));
    return Object.entries(PROVIDER).map(([name, [, settings]]) => ({
      label: t(name),
      role: "menuitemradio",
      checked: name === (now ?? "provider_healthy"),
      act: () => api("PUT", `/api/provider/${arm}`, settings),
    }));
  }

  /** The server takes all settings at once, so each item sends the others unchanged. */
  function sqsItems(arm) {
    const all = Object.entries(SQS);
    const valueOf = ([without, with_fault, id]) => (hasFault(id, arm) ? with_fault : without);
    const now = Object.fromEntries(all.map(([name, fault]) => [name, valueOf(fault)]));
    const choice = ([name, [without, with_fault, id]]) => {
      const is_set = hasFault(id, arm);
      return {
        label: t(`sqs_${name}`),
        role: "menuitemcheckbox",
        checked: is_set,
        act: () => api("PUT", "/api/sqs", { ...now, [name]: is_set ? without : with_fault }),
      };
    };
    return [{ heading: t("faults") }, ...all.map(choice)];
  }

  function entry(item, place) {
    if (item.heading)
      return el("div", { class: "menu-heading", role: "presentation" }, item.heading);
    const attributes = {
      type: "button",
      role: item.role ?? "menuitem",
      class: item.danger ? "danger" : null,
      "aria-checked": item.role ? String(item.checked) : null,
      tabindex: -1,
    };
    const button = el("button", attributes, item.label);
    button.addEventListener("click", () => {
      document.getElementById("menu").hidePopover();
      Live.attempt(place, item.act);
    });
    return button;
  }

  function placeNear(menu, button) {
    const at = button.getBoundingClientRect();
    const left = Math.min(at.left, innerWidth - menu.offsetWidth - 8);
    const below = at.bottom + 4;
    const fits = below + menu.offsetHeight < innerHeight;
    menu.style.left = `${Math.max(8, left)}px`;
    menu.style.top = `${fits ? below : Math.max(8, at.top - menu.offsetHeight - 4)}px`;
  }

  function move(event) {
    const all = [...event.currentTarget.querySelectorAll("button")];
    const at = all.indexOf(document.activeElement);
    const to = {
      ArrowDown: (at + 1) % all.length,
      ArrowUp: (at - 1 + all.length) % all.length,
      Home: 0,
      End: all.length - 1,
    }[event.key];
    if (event.key === "Tab") event.currentTarget.hidePopover();
    if (to === undefined) return;
    event.preventDefault();
    all[to].focus();
  }
})();
