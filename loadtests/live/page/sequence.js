"use strict";
// Draws journeys as sequence diagrams on one time scale.
(() => {
  const { el, svg, t } = Live;
  const HEAD = 44;
  const LEFT = 62;
  /** The distance between two lifelines. */
  const WIDTH = 68;

  /** Both journeys as diagrams. With `is_true`, a millisecond has the same height everywhere. */
  Live.sequences = (journeys, is_true) => {
    if (journeys.length === 0) return [];
    const scale = Live.timeScale(journeys, is_true);
    return journeys.map((journey) => diagram(journey, scale));
  };

  function diagram(journey, scale) {
    const of_messages = journey.messages.flatMap((one) => [one.from, one.queue, one.to]);
    const names = [...new Set([...journey.lifelines, ...of_messages])];
    const width = LEFT + names.length * WIDTH + 10;
    const x = (name) => LEFT + (names.indexOf(name) + 0.5) * WIDTH;
    const height = scale.end + 30;
    const unit = Live.unit();
    const status = t.or(`status_${journey.status}`, journey.status);
    const title = `${t(`side_${journey.arm}`)} · ${status}`;
    const head = svg(
      "svg",
      {
        class: "sequence heads",
        "aria-hidden": "true",
        ...Live.scaled({ width, height: HEAD, unit }),
      },
      names.flatMap((name) => lifelineHead(name, kindOf(journey, name), x(name))),
    );
    const drawing = svg("svg", {
      class: "sequence",
      role: "img",
      "aria-label": title,
      ...Live.scaled({ width, height, unit }),
    });
    drawing.append(
      ...names.map((name) =>
        svg("line", {
          class: `lifeline ${kindOf(journey, name)}`,
          x1: x(name),
          x2: x(name),
          y1: 0,
          y2: height,
        }),
      ),
      ...scale.gaps.flatMap((gap) => gapLine(gap, width)),
      ...times(journey, scale),
      ...journey.spans.flatMap((span) => spanBar(span, x, scale)),
      ...journey.spans.flatMap((span) => callArrows(journey, span, x, scale)),
      ...journey.messages.flatMap((message) => messageArrows(message, x, scale)),
    );
    const scroller = el(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": title },
      head,
      drawing,
    );
    scroller.addEventListener("scroll", () => scrollOthers(scroller));
    const heading = el(
      "h3",
      {},
      el("b", { class: journey.arm }, t(`side_${journey.arm}`)),
      " ",
      el("code", {}, journey.order),
    );
    return el("figure", {}, heading, scroller, listOf(journey));
  }

  /** The diagrams have one time scale, so they scroll together. */
  function scrollOthers(scroller) {
    for (const other of document.querySelectorAll("#journey .scroll")) {
      if (other !== scroller && other.scrollTop !== scroller.scrollTop)
        other.scrollTop = scroller.scrollTop;
    }
  }

  function kindOf(journey, name) {
    const arm = Live.setup.arms.find((one) => one.name === journey.arm);
    if (arm?.queues.some((queue) => queue.name === name)) return "is-queue";
    return arm?.databases.includes(name) ? "is-database" : "is-process";
  }

  function lifelineHead(name, kind, x) {
    const shown = name === "customer" ? t("customer") : name;
    const [first, second] = shown.includes("-") ? shown.split(/(?<=-)/) : [shown];
    const box = {
      x: x - WIDTH / 2 + 3,
      y: 4,
      width: WIDTH - 6,
      height: 36,
      rx: kind === "is-queue" ? 18 : 5,
    };
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
    const wide =
      { transaction: 12, handle: 10, request: 10, call: 8, wait: 6, send: 6 }[span.kind] ?? 8;
    const error = span.attributes?.error;
    const times = [span.begin_ms, span.end_ms, span.end_ms - span.begin_ms].map(Live.tenths);
    const about = `${span.name} · ${times[0]} → ${times[1]} = ${times[2]}`;
    return [
      svg(
        "rect",
        {
          class: `span ${span.kind} ${error ? "failed" : ""}`,
          x: at - wide / 2,
          y: begin,
          width: wide,
          height: Math.max(3, end - begin),
          rx: 2,
        },
        svg("title", {}, `${about}${details(span.attributes)}`),
      ),
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
    if (!from || from === span.lifeline || !is_call) return [];
    const there = arrow(x(from), x(span.lifeline), scale.y(span.begin_ms), "call");
    const back = arrow(x(span.lifeline), x(from), scale.y(span.end_ms), "answer");
    return [
      ...there,
      label((x(from) + x(span.lifeline)) / 2, scale.y(span.begin_ms) - 4, span.name, "call"),
      ...back,
    ];
  }

  function messageArrows(message, x, scale) {
    const parts = [];
    const kind = message.dead
      ? "dead"
      : message.duplicate
        ? "duplicate"
        : message.attempt > 1
          ? "again"
          : "message";
    const sent = scale.y(message.sent_ms);
    parts.push(...arrow(x(message.from), x(message.queue), sent, kind));
    parts.push(label((x(message.from) + x(message.queue)) / 2, sent - 4, message.fact, kind));
    const received = message.received_ms;
    const until = received == null ? scale.end : scale.y(received);
    parts.push(
      svg("line", {
        class: `stay ${kind}`,
        x1: x(message.queue),
        x2: x(message.queue),
        y1: sent,
        y2: until,
      }),
    );
    if (received != null) {
      parts.push(...arrow(x(message.queue), x(message.to), until, kind));
      const note = [
        message.attempt > 1 && t("attempt", message.attempt),
        message.duplicate && t("duplicate"),
      ]
        .filter(Boolean)
        .join(", ");
      if (note) parts.push(label((x(message.queue) + x(message.to)) / 2, until - 4, note, kind));
    }
    if (message.dead) {
      const text = `✝ ${t("dead_letter")}`;
      parts.push(label(x(message.queue) + WIDTH / 4, until + 12, text, "dead"));
    }
    return parts;
  }

  function arrow(from, to, y, kind) {
    const side = Math.sign(to - from) || 1;
    const tip = to - side * 5;
    return [
      svg("line", { class: `go ${kind}`, x1: from + side * 5, x2: tip, y1: y, y2: y }),
      svg("path", {
        class: `tip ${kind}`,
        d: `M${tip - side * 7} ${y - 4}L${tip} ${y}L${tip - side * 7} ${y + 4}`,
      }),
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
      shown.push(
        svg("text", { class: "time", x: LEFT - 8, y, "text-anchor": "end" }, Live.tenths(ms)),
      );
    }
    return shown;
  }

  /** The same journey as a list, for those who do not see the diagram. */
  function listOf(journey) {
    const lines = journey.messages.map((one) => {
      const received = one.received_ms == null ? t("not_received") : Live.tenths(one.received_ms);
      const marks = [
        one.attempt > 1 && t("attempt", one.attempt),
        one.duplicate && t("duplicate"),
        one.dead && t("dead_letter"),
      ]
        .filter(Boolean)
        .join(", ");
      return el(
        "li",
        {},
        `${one.fact}: ${one.from} → ${one.queue} ${Live.tenths(one.sent_ms)}`,
        ` → ${one.to} ${received} ${marks}`,
      );
    });
    const facts = (journey.history ?? []).map((one) =>
      el("li", {}, `${one.fact} ${one.at ?? one.happened_at}`),
    );
    return el(
      "details",
      {},
      el("summary", {}, t("as_list", journey.messages.length)),
      el("ol", {}, ...lines),
      el("h4", {}, t("history")),
      el("ol", {}, ...facts),
    );
  }
})();
