"use strict";
// The last ten minutes as one HTML file that needs no server: charts, marks and figures.
(() => {
  const { el, t } = Live;
  const SIZE = { width: 590, height: 220, unit: 1, has_clock: true };
  const FIGURES = Live.measures.flatMap((measure) => measure.series);

  Live.on("setup", () => document.getElementById("save").addEventListener("click", save));

  function save() {
    const name = `twofold-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.html`;
    const file = new Blob([Live.savedPage()], { type: "text/html" });
    const link = el("a", { href: URL.createObjectURL(file), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  /** The text of the file. Texts go in as text nodes, so the serializer escapes them. */
  Live.savedPage = () => {
    const page = document.implementation.createHTMLDocument(t("saved_title"));
    const root = page.documentElement;
    root.lang = Live.choices.language;
    root.dataset.theme = Live.choices.theme;
    page.head.prepend(el("meta", { charset: "utf-8" }));
    page.head.append(el("style", {}, styles()));
    page.body.className = "saved";
    page.body.append(...content());
    return `<!doctype html>\n${root.outerHTML}\n`;
  };

  function content() {
    const oldest = Math.min(...Live.arms.map((arm) => Live.history[arm][0]?.second ?? Infinity));
    const { to } = Live.chartRange(600);
    const view = { from: Math.min(Math.max(oldest, to - 600), to - 60), to, ...SIZE };
    const charts = Live.measures.map((measure) =>
      el(
        "section",
        {},
        el("h2", {}, t(`measure_${measure.name}`)),
        el(
          "div",
          { class: "legend" },
          ...measure.series.map((name) =>
            el("span", { class: "key" }, el("i", { class: `line ${name}` }), t(`series_${name}`)),
          ),
        ),
        el("div", { class: "pair" }, ...Live.arms.map((arm) => Live.chart(measure, arm, view))),
      ),
    );
    const from = new Date(view.from * 1000).toLocaleString(Live.choices.language);
    const when = `${from} – ${Live.clock(to * 1000)}`;
    return [
      el("h1", {}, t("saved_title")),
      el("p", {}, when),
      ...charts,
      el("h2", {}, t("tab_log")),
      el(
        "ol",
        {},
        ...Live.marks.map((mark) =>
          el(
            "li",
            { class: mark.kind },
            `${Live.clock(mark.at_ms)} ${mark.arm ? t(`side_${mark.arm}`) : ""} `,
            Live.both(mark.text),
          ),
        ),
      ),
      ...Live.arms.map(figures),
    ];
  }

  function figures(arm) {
    const head = el(
      "tr",
      {},
      el("th", {}, t("time")),
      ...FIGURES.map((name) => el("th", {}, t(`series_${name}`))),
    );
    const shown = (value) => (value == null ? "" : Math.round(value * 10) / 10);
    const rows = Live.history[arm].map((entry) =>
      el(
        "tr",
        {},
        el("td", {}, Live.clock(entry.second * 1000)),
        ...FIGURES.map((name) => el("td", {}, String(shown(entry[name])))),
      ),
    );
    return el(
      "details",
      {},
      el("summary", {}, t("figures_of", t(`side_${arm}`))),
      el("table", {}, head, ...rows),
    );
  }

  function styles() {
    return [...document.querySelectorAll("style")].map((style) => style.textContent).join("\n");
  }
})();
