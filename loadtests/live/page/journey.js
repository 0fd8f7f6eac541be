"use strict";
// One order's journey: places orders, lists the recent ones, and follows the chosen pair.
(() => {
  const { el, t, api } = Live;
  const LISTED = 40;
  /** What is shown: `{A0: id, A3: id}`, either of which may be missing. */
  let chosen = {};
  /** The journeys by side, as the server answered. */
  let journeys = {};
  let round = 0;
  let is_changed = false;

  Live.showJourney = (ids) => {
    chosen = ids;
    journeys = {};
    Live.openTab("journey");
    document.getElementById("panels").scrollIntoView({ block: "nearest" });
    follow();
    showList();
  };

  Live.on("setup", async () => {
    fill("order-sku", Live.setup.products);
    fill("order-payment", Live.setup.payment_methods);
    const form = document.getElementById("order-form");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      Live.attempt(form, place);
    });
    document.getElementById("order-quick").addEventListener("click", () => {
      Live.openTab("journey");
      Live.attempt(form, place);
    });
    document.getElementById("true-scale").addEventListener("change", show);
    const cancel = Live.button(
      t("cancel_order"),
      document.getElementById("journey-title"),
      cancelChosen,
      {
        "data-t": "cancel_order",
        id: "cancel-order",
      },
    );
    document.getElementById("cancel-place").append(cancel);
    for (const arm of Live.arms) {
      const known = await api("GET", `/api/orders?arm=${arm}`).catch(() => []);
      for (const order of known.toReversed()) Live.emit("order", order);
    }
  });

  Live.on("orders", listSoon);
  Live.on("choices", () => {
    showList();
    show();
  });
  Live.on("tab", (name) => {
    if (name !== "journey") return;
    showList();
    show();
  });

  function fill(id, values) {
    document.getElementById(id).replaceChildren(...values.map((value) => el("option", {}, value)));
  }

  async function place() {
    const read = (id) => document.getElementById(id).value;
    const side = read("order-side");
    const answer = await api("POST", "/api/orders", {
      arms: side === "both" ? Live.arms : [side],
      sku: read("order-sku"),
      quantity: Number(read("order-quantity")),
      payment_method: read("order-payment"),
    });
    const ids = {};
    const refusals = [];
    for (const order of answer.orders) {
      if (order.id) ids[order.arm] = order.id;
      if (order.error) refusals.push(`${t(`side_${order.arm}`)}: ${order.error}`);
    }
    Live.showJourney(ids);
    if (refusals.length > 0) throw new Error(refusals.join(" · "));
  }

  async function cancelChosen() {
    const answers = [];
    for (const [arm, id] of Object.entries(chosen)) {
      const answer = await api("POST", `/api/orders/${arm}/${id}/cancel`, {});
      if (answer.error) answers.push(`${t(`side_${arm}`)}: ${answer.error}`);
    }
    follow();
    if (answers.length > 0) throw new Error(answers.join(" · "));
  }

  /** Reads the journeys until both are complete, at first often, then every three seconds. */
  async function follow() {
    const mine = ++round;
    for (let turn = 0; mine === round; turn++) {
      is_changed = false;
      if (Live.tab === "journey") await Promise.all(Object.keys(chosen).map(read));
      if (mine !== round) return;
      if (is_changed) show();
      const all = Object.keys(chosen).map((arm) => journeys[arm]);
      if (turn > 2 && all.every((journey) => journey?.complete)) return;
      await new Promise((resume) => setTimeout(resume, turn < 20 ? 300 : 3000));
    }
  }

  async function read(arm) {
    const order = encodeURIComponent(chosen[arm]);
    const place = document.getElementById("journey-title");
    const journey = await Live.attempt(place, () =>
      api("GET", `/api/journey?order=${order}&arm=${arm}`),
    );
    if (!journey) return;
    const is_same = JSON.stringify(journey) === JSON.stringify(journeys[arm]);
    // An unchanged journey is not drawn again: what a reader opened or selected stays.
    is_changed ||= !is_same;
    journeys[arm] = journey;
  }

  function show() {
    if (Live.tab !== "journey") return;
    const has_any = Object.keys(chosen).length > 0;
    document.getElementById("journey-empty").hidden = has_any;
    document.getElementById("cancel-order").hidden = !has_any;
    const is_true = document.getElementById("true-scale").checked;
    const shown = Live.arms.map((arm) => journeys[arm]).filter(Boolean);
    document.getElementById("journey-bars").replaceChildren(...Live.journeyBars(shown));
    const place = document.getElementById("journey");
    const at = place.querySelector(".scroll")?.scrollTop ?? 0;
    place.replaceChildren(...Live.sequences(shown, is_true));
    for (const scroller of place.querySelectorAll(".scroll")) scroller.scrollTop = at;
  }

  let is_planned = false;
  function listSoon() {
    if (is_planned) return;
    is_planned = true;
    setTimeout(() => {
      is_planned = false;
      showList();
    }, 500);
  }

  function showList() {
    const list = document.getElementById("orders");
    if (Live.tab !== "journey" || list.contains(document.activeElement)) return;
    list.replaceChildren(...Live.orders.slice(0, LISTED).map(item));
  }

  function item(order) {
    const is_chosen = chosen[order.arm] === order.id;
    const button = el(
      "button",
      { type: "button", "aria-pressed": String(is_chosen) },
      el("b", { class: order.arm }, t(`side_${order.arm}`)),
      ` ${order.number ?? ""} `,
      el("span", { class: `status ${order.status}` }, t.or(`status_${order.status}`, order.status)),
      order.by_hand && el("span", { class: "by-hand" }, ` ${t("by_hand")}`),
      el("time", {}, Live.clock(order.at_ms)),
    );
    button.title = order.id;
    button.addEventListener("click", () => Live.showJourney(pairOf(order)));
    return el("li", {}, button);
  }

  /** An order and the one that was placed on the other side at the same time. */
  function pairOf(order) {
    const pair = { [order.arm]: order.id };
    const is_pair = (one) =>
      one.arm !== order.arm &&
      one.number === order.number &&
      one.by_hand === order.by_hand &&
      Math.abs(one.at_ms - order.at_ms) < 2000;
    const other = order.number == null ? null : Live.orders.find(is_pair);
    if (other) pair[other.arm] = other.id;
    return pair;
  }
})();
