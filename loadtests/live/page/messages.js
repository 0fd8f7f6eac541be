"use strict";
// The messages of one queue: what waits, is in flight, is delayed or is dead, without receiving it.
(() => {
  const { el, t, api } = Live;
  const LIMIT = 50;
  let queue = null;
  let messages = [];
  let filter = "all";
  let timer = null;
  /** Bodies that are open stay open when the list is read again. */
  const open = new Set();

  Live.showMessages = (name) => {
    queue = name;
    filter = "all";
    open.clear();
    Live.openTab("messages");
  };

  Live.on("setup", () => (queue ??= allQueues()[0]?.name));
  Live.on("tab", (name) => {
    clearInterval(timer);
    if (name !== "messages") return;
    timer = setInterval(read, 1000);
    showQueues();
    showActions();
    read();
  });
  Live.on("choices", () => {
    if (Live.tab !== "messages") return;
    showQueues();
    showActions();
    showMessages();
  });
  Live.on("tick", () => Live.tab === "messages" && showCounts());

  const place = () => document.getElementById("messages");
  const path = (rest) => `/api/queues/${encodeURIComponent(queue)}/${rest}`;
  const isDead = () => allQueues().some((one) => one.dead_letters === queue);

  function allQueues() {
    return Live.setup?.arms.flatMap((arm) => arm.queues) ?? [];
  }

  function showQueues() {
    const names = allQueues().flatMap((one) => [one.name, one.dead_letters].filter(Boolean));
    const button = (name) => {
      const pressed = String(name === queue);
      const count = el("b", { "data-queue": name });
      const choice = el("button", { type: "button", "aria-pressed": pressed }, `${name} `, count);
      choice.addEventListener("click", () => Live.showMessages(name));
      return el("li", {}, choice);
    };
    document.getElementById("queue-list").replaceChildren(...names.map(button));
    showCounts();
  }

  function showCounts() {
    for (const arm of Object.values(Live.tick?.arms ?? {})) {
      for (const one of arm.queues) {
        count(one.name, one.waiting + one.in_flight + one.delayed);
        const dead = allQueues().find((known) => known.name === one.name)?.dead_letters;
        if (dead) count(dead, one.dead, "dead");
      }
    }
  }

  function count(name, value, kind = "") {
    const place = document.querySelector(`#queue-list [data-queue="${CSS.escape(name)}"]`);
    if (!place) return;
    Live.text(place, Live.number(value));
    place.className = value > 0 ? kind : "none";
  }

  async function read() {
    if (!queue || document.hidden) return;
    const name = queue;
    const answer = await Live.attempt(place(), () => api("GET", path(`messages?limit=${LIMIT}`)));
    if (!answer || name !== queue) return;
    messages = answer;
    showMessages();
  }

  function showActions() {
    const actions = document.getElementById("queue-actions");
    const states = ["all", "waiting", "in_flight", "delayed"];
    const choice = el(
      "select",
      { id: "message-state" },
      ...states.map((state) =>
        el("option", { value: state, selected: state === filter }, t(`message_${state}`)),
      ),
    );
    choice.addEventListener("change", () => {
      filter = choice.value;
      showMessages();
    });
    const label = el("label", {}, `${t("state")} `, choice);
    const poison = Live.button(t("poison"), actions, () =>
      api("POST", path("poison"), { kind: "undecodable" }),
    );
    const again = Live.button(t("redrive"), actions, redriveDialog, { class: "primary" });
    const purge = Live.button(t("purge"), actions, purgeDialog, { class: "danger" });
    actions.replaceChildren(
      el("h3", {}, queue ?? ""),
      label,
      ...(isDead() ? [again] : [poison]),
      purge,
    );
  }

  function showMessages() {
    const list = document.getElementById("message-list");
    const selection = document.getSelection();
    if (!selection.isCollapsed && list.contains(selection.anchorNode)) return;
    const shown = messages.filter((one) => filter === "all" || one.state === filter);
    const focused = list.contains(document.activeElement) && document.activeElement.dataset.id;
    list.replaceChildren(...shown.map(item));
    if (focused) list.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
    const note =
      shown.length >= LIMIT
        ? t("first_messages", LIMIT)
        : shown.length === 0
          ? t("no_message")
          : "";
    Live.text(document.getElementById("message-note"), note);
  }

  function item(message) {
    const id = message.message_id;
    const is_text = typeof message.body === "string";
    const fact = is_text
      ? t("not_json")
      : (message.body?.fact ?? message.body?.type ?? t("message"));
    const received = t("received_times", Live.number(message.receive_count ?? 0));
    const sent = message.sent_ms ? Live.clock(message.sent_ms) : "";
    const summary = el(
      "summary",
      { "data-id": id },
      el(
        "span",
        { class: `message-state ${message.state}` },
        isDead() ? t("dead_letter") : t(`message_${message.state}`),
      ),
      el("b", {}, ` ${fact} `),
      el("span", {}, `${sent} · ${received} `),
      message.reason && el("span", { class: "reason" }, message.reason),
    );
    const body = is_text ? message.body : JSON.stringify(message.body, null, 2);
    const details = el(
      "details",
      { open: open.has(id) },
      summary,
      el("p", {}, el("code", {}, id)),
      message.dead_letter_source && el("p", {}, t("dead_from", message.dead_letter_source)),
      orderLink(message.body),
      el("pre", {}, body),
      el("pre", {}, JSON.stringify(message.attributes ?? {}, null, 2)),
    );
    details.addEventListener("toggle", () => (details.open ? open.add(id) : open.delete(id)));
    return el("li", {}, details);
  }

  function orderLink(body) {
    const id = body?.order_id ?? body?.order;
    if (typeof id !== "string") return null;
    const link = el("button", { type: "button" }, t("show_journey"));
    link.addEventListener("click", () => Live.showJourney({ A3: id }));
    return link;
  }

  /** First what would move, then the move. */
  function redriveDialog() {
    const reasons = [...new Set(messages.map((one) => one.reason).filter(Boolean))];
    const reason = el(
      "select",
      { id: "redrive-reason" },
      el("option", { value: "" }, t("every_reason")),
      ...reasons.map((one) => el("option", {}, one)),
    );
    const rate = el(
      "select",
      { id: "redrive-rate" },
      el("option", { value: "" }, t("at_once")),
      ...[1, 10, 100].map((one) => el("option", { value: one }, t("messages_per_second", one))),
    );
    const result = el("p", { role: "status" });
    const buttons = el("div", { class: "buttons" });
    const send = (dry_run) =>
      api("POST", path("redrive"), {
        reason: reason.value || null,
        rate: rate.value ? Number(rate.value) : null,
        dry_run,
      });
    const move = async () => {
      Live.text(result, t("moved", (await send(false)).moved));
      go.hidden = true;
      read();
    };
    const go = Live.button(t("move"), buttons, move, { class: "primary", hidden: true });
    const count = async () => {
      const { would_move } = await send(true);
      Live.text(result, t("would_move", would_move));
      go.hidden = would_move === 0;
    };
    const changed = () => {
      go.hidden = true;
      Live.text(result, "");
    };
    reason.addEventListener("change", changed);
    rate.addEventListener("change", changed);
    buttons.append(Live.button(t("dry_run"), buttons, count), go);
    Live.dialog(
      t("redrive_title", queue),
      el("label", {}, `${t("reason")} `, reason),
      el("label", {}, `${t("rate")} `, rate),
      result,
      buttons,
    );
  }

  function purgeDialog() {
    const buttons = el("div", { class: "buttons" });
    const result = el("p", { role: "status" });
    const purge = async () => {
      const { removed } = await api("POST", path("purge"), {});
      Live.text(result, t("removed", removed));
      yes.hidden = true;
      read();
    };
    const yes = Live.button(t("purge_now"), buttons, purge, { class: "danger" });
    const no = el("button", { type: "button" }, t("close"));
    buttons.append(no, yes);
    const dialog = Live.dialog(
      t("purge_title", queue),
      el("p", {}, t("purge_warning")),
      result,
      buttons,
    );
    no.addEventListener("click", () => dialog.close());
    no.focus();
  }
})();
