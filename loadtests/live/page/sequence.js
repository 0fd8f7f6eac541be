"use strict";
// Draws journeys as sequence diagrams on one time scale, and as bars above them.
(() => {
  const { el, svg, t } = Live;
  const TOP = 26;
  const HEAD = 44;
  const LEFT = 62;
  const STEP = 17;
  const MAX_GAP = 46;

  /** Both journeys as diagrams. With `is_true`, a millisecond has the same height everywhere. */
  Live.sequences = (journeys, is_true) => {
    if (journeys.length === 0) return [];
    const scale = timeScale(journeys, is_true);
    return journeys.map((journey) => diagram(journey, scale));
  };

  /** How long the customer waited for the answer, and how long until the order was settled. */
  Live.journeyBars = (journeys) => {
    const ends = journeys.map((journey) => milestones(journey));
    const longest = Math.max(1, ...ends.map((one) => Math.max(one.answered ?? 0, one.settled ?? 0)));
    return journeys.map((journey, n) => {
      const { answered, settled } = ends[n];
      const bar = (name, value) =>
        value != null && el("span", { class: `bar ${name}`, style: `width:${(100 * value) / longest}%` });
      const settled_text = settled == null ? t("not_settled") : t("settled_after", tenths(settled));
      return el("div", { class: "journey-bar" },
        el("b", { class: journey.arm }, t(`side_${journey.arm}`)),
        el("span", { class: "track" }, bar("settled", settled), bar("answered", answered)),
        el("span", {}, `${answered == null ? "" : t("answered_after", tenths(answered))} · ${settled_text} · `,
          el("span", { class: `status ${journey.status}` }, t.or(`status_${journey.status}`, journey.status))));
    });
  };

  const tenths = (ms) => `${Live.number(ms, 1)} ms`;

  function milestones(journey) {
    const answer = journey.spans.find((span) => span.kind === "request" && !isWithin(journey, span));
    const answered = answer?.end_ms;
    if (journey.settled_ms != null) return { answered, settled: journey.settled_ms };
    const deciding = ["shipment_scheduled", "payment_declined", "stock_rejected"];
    const from_message = journey.messages.filter((one) => deciding.includes(one.fact) && one.to === "order-service" && !one.duplicate && one.received_ms != null);
    const handled = from_message.map((one) => endOfHandling(journey, one)).toSorted((a, b) => a - b);
    const is_settled = journey.status && journey.status !== "placed";
    return { answered, settled: handled[0] ?? (is_settled && journey.messages.length === 0 ? answered : null) };
  }

  function endOfHandling(journey, message) {
    const handles = (span) => span.lifeline === message.to && span.kind === "handle" && span.begin_ms <= message.received_ms + 1 && span.end_ms >= message.received_ms;
    return journey.spans.find(handles)?.end_ms ?? message.received_ms;
  }

  const isWithin = (journey, span) => journey.spans.some((one) => one.id === span.parent);

  /** From milliseconds to pixels. Readable: no two labels overlap and no wait takes the page. */
  function timeScale(journeys, is_true) {
    const times = new Set([0]);
    for (const journey of journeys) {
      for (const span of journey.spans) times.add(span.begin_ms).add(span.end_ms);
      for (const message of journey.messages) {
        times.add(message.sent_ms);
        if (message.received_ms != null) times.add(message.received_ms);
      }
    }
    const sorted = [...times].filter((time) => time != null).toSorted((a, b) => a - b);
    const last = sorted.at(-1);
    if (is_true) {
      const per_ms = Math.max(2, Math.min(12, 1400 / Math.max(last, 1)));
      const height = Math.min(last * per_ms, 6000);
      return { y: (ms) => TOP + (ms / last) * height, end: TOP + height, gaps: [] };
    }
    const places = new Map([[sorted[0], TOP]]);
    const gaps = [];
    let at = TOP;
    for (let n = 1; n < sorted.length; n++) {
      const passed = sorted[n] - sorted[n - 1];
      // Times that are less than 0.05 ms apart are one time to a reader.
      const step = passed < 0.05 ? 2 : Math.min(MAX_GAP, STEP * (0.55 + passed * 0.12));
      if (step === MAX_GAP) gaps.push({ y: at + step / 2, passed });
      at += step;
      places.set(sorted[n], at);
    }
    return { y: (ms) => places.get(ms) ?? TOP, end: at, gaps };
  }

  function diagram(journey, scale) {
    const names = journey.lifelines;
    const width_of = 74;
    const width = LEFT + names.length * width_of + 10;
    const x = (name) => LEFT + (Math.max(0, names.indexOf(name)) + 0.5) * width_of;
    const height = scale.end + 30;
    const unit = Live.unit();
    const title = `${t(`side_${journey.arm}`)} · ${t.or(`status_${journey.status}`, journey.status)}`;
    const head = svg("svg", { class: "sequence heads", "aria-hidden": "true", ...Live.scaled({ width, height: HEAD, unit }) },
      names.flatMap((name) => lifelineHead(name, kindOf(journey, name), x(name), width_of)));
    const drawing = svg("svg", { class: "sequence", role: "img", "aria-label": title, ...Live.scaled({ width, height, unit }) });
    drawing.append(
      ...names.map((name) =>
        svg("line", { class: `lifeline ${kindOf(journey, name)}`, x1: x(name), x2: x(name), y1: 0, y2: height })),
      ...scale.gaps.flatMap((gap) => gapLine(gap, width)),
      ...times(journey, scale),
      ...journey.spans.flatMap((span) => spanBar(span, x, scale)),
      ...journey.spans.flatMap((span) => callArrows(journey, span, x, scale)),
      ...journey.messages.flatMap((message) => messageArrows(message, x, scale, width_of)),
    );
    const scroller = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": title }, head, drawing);
    scroller.addEventListener("scroll", () => scrollOthers(scroller));
    const heading = el("h3", {}, el("b", { class: journey.arm }, t(`side_${journey.arm}`)), " ",
      el("code", {}, journey.order));
    return el("figure", {}, heading, scroller, listOf(journey));
  }

  /** The diagrams have one time scale, so they scroll together. */
  function scrollOthers(scroller) {
    for (const other of document.querySelectorAll("#journey .scroll")) {
      if (other !== scroller && other.scrollTop !== scroller.scrollTop) other.scrollTop = scroller.scrollTop;
    }
  }

  function kindOf(journey, name) {
    const arm = Live.setup.arms.find((one) => one.name === journey.arm);
    if (arm?.queues.some((queue) => queue.name === name)) return "is-queue";
    return arm?.databases.includes(name) ? "is-database" : "is-process";
  }

  function lifelineHead(name, kind, x, width) {
    const shown = name === "customer" ? t("customer") : name;
    const [first, second] = shown.includes("-") ? shown.split(/(?<=-)/) : [shown];
    const box = { x: x - width / 2 + 3, y: 4, width: width - 6, height: 36, rx: kind === "is-queue" ? 18 : 5 };
    return [
      svg("rect", { class: `head ${kind}`, ...box }),
      svg("text", { class: "head", x, y: second ? 19 : 26, "text-anchor": "middle" }, first),
      second && svg("text", { class: "head", x, y: 33, "text-anchor": "middle" }, second),
    ];
  }

  function gapLine({ y, passed }, width) {
    return [
      svg("line", { class: "gap", x1: 0, x2: width, y1: y, y2: y }),
      svg("text", { class: "gap", x: 4, y: y + 4 }, `⋮ ${Live.ms(passed)}`),
    ];
  }

  function spanBar(span, x, scale) {
    const at = x(span.lifeline);
    const [begin, end] = [scale.y(span.begin_ms), scale.y(span.end_ms)];
    const wide = { transaction: 12, handle: 10, request: 10, call: 8, wait: 6, send: 6 }[span.kind] ?? 8;
    const error = span.attributes?.error;
    const about = `${span.name} · ${tenths(span.begin_ms)} → ${tenths(span.end_ms)} = ${tenths(span.end_ms - span.begin_ms)}`;
    return [
      svg("rect", { class: `span ${span.kind} ${error ? "failed" : ""}`, x: at - wide / 2, y: begin, width: wide, height: Math.max(3, end - begin), rx: 2 },
        svg("title", {}, `${about}${details(span.attributes)}`)),
    ];
  }

  function details(attributes) {
    const known = Object.entries(attributes ?? {}).filter(([, value]) => value != null);
    return known.map(([name, value]) => `\n${name}: ${value}`).join("");
  }

  /** A call from one lifeline to another, and its answer. */
  function callArrows(journey, span, x, scale) {
    const parent = journey.spans.find((one) => one.id === span.parent);
    const from = parent?.lifeline ?? (span.kind === "request" ? "customer" : null);
    const is_call = ["request", "transaction", "call"].includes(span.kind);
    if (!from || from === span.lifeline || !is_call || !journey.lifelines.includes(from)) return [];
    const there = arrow(x(from), x(span.lifeline), scale.y(span.begin_ms), "call");
    const back = arrow(x(span.lifeline), x(from), scale.y(span.end_ms), "answer");
    return [
      ...there,
      label((x(from) + x(span.lifeline)) / 2, scale.y(span.begin_ms) - 4, span.name, "call"),
      ...back,
    ];
  }

  function messageArrows(message, x, scale, width) {
    const parts = [];
    const kind = message.dead ? "dead" : message.duplicate ? "duplicate" : message.attempt > 1 ? "again" : "message";
    const sent = scale.y(message.sent_ms);
    parts.push(...arrow(x(message.from), x(message.queue), sent, kind));
    parts.push(label((x(message.from) + x(message.queue)) / 2, sent - 4, message.fact, kind));
    const received = message.received_ms;
    const until = received == null ? scale.end : scale.y(received);
    parts.push(svg("line", { class: `stay ${kind}`, x1: x(message.queue), x2: x(message.queue), y1: sent, y2: until }));
    if (received != null) {
      parts.push(...arrow(x(message.queue), x(message.to), until, kind));
      const note = [
        message.attempt > 1 && t("attempt", message.attempt),
        message.duplicate && t("duplicate"),
      ].filter(Boolean).join(", ");
      if (note) parts.push(label((x(message.queue) + x(message.to)) / 2, until - 4, note, kind));
    }
    if (message.dead) parts.push(label(x(message.queue) + width / 4, until + 12, `✝ ${t("dead_letter")}`, "dead"));
    return parts;
  }

  function arrow(from, to, y, kind) {
    const side = Math.sign(to - from) || 1;
    const tip = to - side * 5;
    return [
      svg("line", { class: `go ${kind}`, x1: from + side * 5, x2: tip, y1: y, y2: y }),
      svg("path", { class: `tip ${kind}`, d: `M${tip - side * 7} ${y - 4}L${tip} ${y}L${tip - side * 7} ${y + 4}` }),
    ];
  }

  const label = (x, y, text, kind) =>
    svg("text", { class: `label ${kind}`, x, y, "text-anchor": "middle" }, text);

  /** The times on the left. One that has no room is left out: the title of its bar has it. */
  function times(journey, scale) {
    const calls = journey.spans.filter((span) => span.kind !== "wait");
    const all = [
      ...calls.flatMap((span) => [span.begin_ms, span.end_ms]),
      ...journey.messages.flatMap((message) => [message.sent_ms, message.received_ms]),
    ];
    let free_from = 0;
    const shown = [];
    for (const ms of all.filter((ms) => ms != null).toSorted((one, other) => one - other)) {
      const y = scale.y(ms) + 4;
      if (y < free_from) continue;
      free_from = y + 11;
      shown.push(svg("text", { class: "time", x: LEFT - 8, y, "text-anchor": "end" }, tenths(ms)));
    }
    return shown;
  }

  /** The same journey as a list, for those who do not see the diagram. */
  function listOf(journey) {
    const lines = journey.messages.map((one) => {
      const received = one.received_ms == null ? t("not_received") : tenths(one.received_ms);
      const marks = [one.attempt > 1 && t("attempt", one.attempt), one.duplicate && t("duplicate"),
        one.dead && t("dead_letter")].filter(Boolean).join(", ");
      return el("li", {}, `${one.fact}: ${one.from} → ${one.queue} ${tenths(one.sent_ms)} → ${one.to} ${received} ${marks}`);
    });
    const facts = (journey.history ?? []).map((one) => el("li", {}, `${one.fact} ${one.at ?? one.happened_at}`));
    return el("details", {}, el("summary", {}, t("as_list", journey.messages.length)),
      el("ol", {}, ...lines), el("h4", {}, t("history")), el("ol", {}, ...facts));
  }
})();
