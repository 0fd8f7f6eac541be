"use strict";
// The time of journeys: one scale for both sides, and how long an order waited as bars.
(() => {
  const { el, t } = Live;
  const TOP = 26;
  const STEP = 17;
  const MAX_GAP = 46;

  /** A time with its tenths of a millisecond. */
  Live.tenths = (ms) => `${Live.number(ms, 1)} ms`;

  /** From milliseconds to pixels. Readable: no two labels overlap and no wait takes the page. */
  Live.timeScale = (journeys, is_true) => {
    const sorted = timesOf(journeys);
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
  };

  function timesOf(journeys) {
    const times = new Set([0]);
    for (const { spans, messages } of journeys) {
      for (const span of spans) times.add(span.begin_ms).add(span.end_ms);
      for (const message of messages) times.add(message.sent_ms).add(message.received_ms);
    }
    return [...times].filter((time) => time != null).toSorted((one, other) => one - other);
  }

  /** How long the customer waited for the answer, and how long until the order was settled. */
  Live.journeyBars = (journeys) => {
    const ends = journeys.map((journey) => milestones(journey));
    const longest = Math.max(
      1,
      ...ends.map((one) => Math.max(one.answered ?? 0, one.settled ?? 0)),
    );
    return journeys.map((journey, n) => {
      const { answered, settled } = ends[n];
      const bar = (name, value) =>
        value != null &&
        el("span", { class: `bar ${name}`, style: `width:${(100 * value) / longest}%` });
      const settled_text =
        settled == null ? t("not_settled") : t("settled_after", Live.tenths(settled));
      const answered_text = answered == null ? "" : t("answered_after", Live.tenths(answered));
      return el(
        "div",
        { class: "journey-bar" },
        el("b", { class: journey.arm }, t(`side_${journey.arm}`)),
        el("span", { class: "track" }, bar("settled", settled), bar("answered", answered)),
        el(
          "span",
          {},
          `${answered_text} · ${settled_text} · `,
          el(
            "span",
            { class: `status ${journey.status}` },
            t.or(`status_${journey.status}`, journey.status),
          ),
        ),
      );
    });
  };

  function milestones(journey) {
    const answer = journey.spans.find(
      (span) => span.kind === "request" && !isWithin(journey, span),
    );
    const answered = answer?.end_ms;
    if (journey.settled_ms != null) return { answered, settled: journey.settled_ms };
    const deciding = ["shipment_scheduled", "payment_declined", "stock_rejected"];
    const from_message = journey.messages.filter(
      (one) =>
        deciding.includes(one.fact) &&
        one.to === "order-service" &&
        !one.duplicate &&
        one.received_ms != null,
    );
    const handled = from_message
      .map((one) => endOfHandling(journey, one))
      .toSorted((a, b) => a - b);
    const is_settled = journey.status && journey.status !== "placed";
    return {
      answered,
      settled: handled[0] ?? (is_settled && journey.messages.length === 0 ? answered : null),
    };
  }

  function endOfHandling(journey, message) {
    const handles = (span) =>
      span.lifeline === message.to &&
      span.kind === "handle" &&
      span.begin_ms <= message.received_ms + 1 &&
      span.end_ms >= message.received_ms;
    return journey.spans.find(handles)?.end_ms ?? message.received_ms;
  }

  const isWithin = (journey, span) => journey.spans.some((one) => one.id === span.parent);
})();
