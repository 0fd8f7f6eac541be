"use strict";
// Lines over time: three measures, each for both sides on the same axes, with the marks.
(() => {
  const { el, svg, t } = Live;
  const EDGE = { left: 46, right: 8, top: 16, bottom: 18 };
  const MEASURES = [
    { name: "orders", series: ["offered", "accepted", "refused", "settled"], least: 10 },
    {
      name: "latency",
      series: ["answered_p50", "answered_p99", "settling_p50", "settling_p99"],
      is_log: true,
      least: 1000,
    },
    { name: "backlog", series: ["backlog"], least: 10 },
  ];
  let window_s = 180;
  /** The second under the pointer, or null for the newest. */
  let cursor = null;

  Live.measures = MEASURES;

  Live.on("setup", () => {
    const places = MEASURES.map((measure) =>
      el(
        "section",
        { class: "measure" },
        el("h3", { "data-t": `measure_${measure.name}` }, t(`measure_${measure.name}`)),
        el("div", { class: "legend", id: `legend-${measure.name}` }),
        ...Live.arms.map((arm) =>
          el("div", { class: "chart", id: `chart-${measure.name}-${arm}` }),
        ),
      ),
    );
    document.getElementById("measures").replaceChildren(...places);
    const choice = document.getElementById("window");
    choice.addEventListener("change", () => {
      window_s = Number(choice.value);
      show();
    });
    for (const chart of document.querySelectorAll("#measures .chart")) {
      chart.addEventListener("pointermove", (event) => point(chart, event));
      chart.addEventListener("pointerleave", () => point(null));
    }
  });

  let shown_second = 0;
  Live.on("tick", (tick) => {
    const second = Math.floor(tick.at_ms / 1000);
    if (second === shown_second) return;
    shown_second = second;
    show();
  });
  for (const event of ["tab", "choices", "marks"]) Live.on(event, show);
  addEventListener("resize", show);

  function point(chart, event) {
    cursor = null;
    if (chart) {
      const box = chart.getBoundingClientRect();
      const [left, right] = [EDGE.left * Live.unit(), EDGE.right * Live.unit()];
      const share = (event.clientX - box.left - left) / (box.width - left - right);
      const { from, to } = range(window_s);
      if (share >= 0 && share <= 1) cursor = Math.round(from + share * (to - from));
    }
    show();
  }

  function show() {
    if (Live.tab !== "charts" || !Live.setup) return;
    const { from, to } = range(window_s);
    for (const measure of MEASURES) {
      showLegend(measure);
      for (const arm of Live.arms) {
        const place = document.getElementById(`chart-${measure.name}-${arm}`);
        if (!place) return;
        const unit = Live.unit();
        const size = { width: place.clientWidth / unit, height: place.clientHeight / unit, unit };
        place.replaceChildren(Live.chart(measure, arm, { from, to, cursor, ...size }));
      }
    }
  }

  /** The last `seconds` seconds that are complete on both sides. */
  function range(seconds) {
    const last = Math.max(...Live.arms.map((arm) => Live.lastSecond(arm)?.second ?? 0));
    return { from: last - seconds, to: last };
  }
  Live.chartRange = range;

  function showLegend(measure) {
    const legend = document.getElementById(`legend-${measure.name}`);
    if (!legend) return;
    const value = (arm, name) => {
      const all = Live.history[arm];
      const entry = cursor === null ? all.at(-2) : all.find((one) => one.second === cursor);
      const shown = entry?.[name];
      if (shown == null) return "–";
      return measure.is_log ? Live.ms(shown) : Live.number(shown);
    };
    const keys = measure.series.map((name) =>
      el(
        "span",
        { class: "key" },
        el("i", { class: `line ${name}` }),
        `${t(`series_${name}`)} `,
        el("b", { class: "A0" }, value("A0", name)),
        " | ",
        el("b", { class: "A3" }, value("A3", name)),
      ),
    );
    legend.replaceChildren(...keys);
  }

  /** One chart as an SVG element that also stands alone, in a saved page. */
  Live.chart = (measure, arm, view) => {
    const { width, height, from, to } = view;
    const top = highest(measure, from, to);
    const x = (second) =>
      EDGE.left + ((second - from) / (to - from)) * (width - EDGE.left - EDGE.right);
    const y = yScale(measure, top, height);
    const label = `${t(`measure_${measure.name}`)}, ${t(`side_${arm}`)}`;
    const drawing = svg("svg", {
      class: "lines",
      role: "img",
      "aria-label": label,
      ...Live.scaled(view),
    });
    drawing.append(...axes(measure, view, top, x, y), ...marksOf(arm, view, x));
    const entries = Live.history[arm]
      .slice(0, -1)
      .filter((one) => one.second >= from && one.second <= to);
    for (const name of measure.series) {
      drawing.append(svg("path", { class: `line ${name}`, d: line(entries, name, x, y) }));
    }
    if (view.cursor) {
      const at = x(view.cursor);
      drawing.append(
        svg("line", { class: "cursor", x1: at, x2: at, y1: EDGE.top, y2: height - EDGE.bottom }),
      );
    }
    drawing.append(
      svg("text", { class: `side ${arm}`, x: EDGE.left + 4, y: EDGE.top - 4 }, t(`side_${arm}`)),
    );
    return drawing;
  };

  /** The same for both sides. */
  function highest(measure, from, to) {
    let most = measure.least;
    for (const arm of Live.arms) {
      for (const entry of Live.history[arm]) {
        if (entry.second < from || entry.second > to) continue;
        for (const name of measure.series) most = Math.max(most, entry[name] ?? 0);
      }
    }
    return measure.is_log ? 10 ** Math.ceil(Math.log10(most)) : nice(most);
  }

  function nice(value) {
    const power = 10 ** Math.floor(Math.log10(value));
    return power * [1, 2, 2.5, 5, 10].find((step) => step * power >= value);
  }

  function yScale(measure, top, height) {
    const room = height - EDGE.top - EDGE.bottom;
    const share = measure.is_log
      ? (value) => Math.log10(Math.max(value, 1)) / Math.log10(top)
      : (value) => value / top;
    return (value) => height - EDGE.bottom - share(value) * room;
  }

  function axes(measure, { width, height, from, to, has_clock }, top, x, y) {
    const parts = [];
    const decades = Array.from({ length: Math.round(Math.log10(top)) + 1 }, (_, n) => 10 ** n);
    for (const value of measure.is_log ? decades : [0, top / 2, top]) {
      const shown = measure.is_log ? Live.ms(value).replace(/[.,]0 /, " ") : Live.number(value);
      parts.push(
        svg("line", {
          class: "grid",
          x1: EDGE.left,
          x2: width - EDGE.right,
          y1: y(value),
          y2: y(value),
        }),
        svg(
          "text",
          { class: "tick", x: EDGE.left - 5, y: y(value) + 4, "text-anchor": "end" },
          shown,
        ),
      );
    }
    const span = to - from;
    const step = [15, 30, 60, 120, 300].find((one) => span / one <= 5) ?? 600;
    for (let second = to; second >= from; second -= step) {
      const ago = second - to;
      const shown = has_clock ? Live.clock(second * 1000) : ago === 0 ? t("now") : `${ago} s`;
      const anchor = ago === 0 ? "end" : second === from ? "start" : "middle";
      parts.push(
        svg("text", { class: "tick", x: x(second), y: height - 4, "text-anchor": anchor }, shown),
      );
    }
    return parts;
  }

  function marksOf(arm, { from, to, height, width }, x) {
    const parts = [];
    let free_from = EDGE.left + 90;
    for (const mark of Live.marks) {
      const second = mark.at_ms / 1000;
      if ((mark.arm && mark.arm !== arm) || second < from || second > to + 2) continue;
      const at = Math.min(x(second), width - EDGE.right);
      const text = Live.both(mark.text);
      const line = svg("line", {
        class: `mark ${mark.kind}`,
        x1: at,
        x2: at,
        y1: EDGE.top,
        y2: height - EDGE.bottom,
      });
      const flag = svg(
        "path",
        { class: `mark ${mark.kind}`, d: `M${at - 4} ${EDGE.top}h8l-4 7z` },
        svg("title", {}, text),
      );
      parts.push(line, flag);
      if (mark.kind === "load") continue;

      // A label needs room, on the right or on the left: without it, a mark keeps only its flag.
      const room = widthOf(text);
      const is_left = at + room > width;
      const from_x = is_left ? at - room : at;
      if (from_x < free_from) continue;
      const anchor = is_left ? "end" : "start";
      const place = { class: `mark ${mark.kind}`, x: at, y: EDGE.top - 4, "text-anchor": anchor };
      parts.push(svg("text", place, text));
      free_from = from_x + room + 6;
    }
    return parts;
  }

  /** About how wide a label is: a Japanese letter takes the room of two others. */
  function widthOf(text) {
    return [...text].reduce((width, letter) => width + (letter > "\u2e7f" ? 11.5 : 6.2), 0);
  }

  /** A second without a value interrupts its line. */
  function line(entries, name, x, y) {
    let path = "";
    let previous = null;
    for (const entry of entries) {
      const value = entry[name];
      if (value == null) continue;
      const joins = previous === entry.second - 1;
      path += `${joins ? "L" : "M"}${x(entry.second).toFixed(1)} ${y(value).toFixed(1)}`;
      if (!joins) path += "h.5";
      previous = entry.second;
    }
    return path;
  }
})();
