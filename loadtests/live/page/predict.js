"use strict";
// The question cards: a participant predicts, then the shops answer.
(() => {
  const { el, t, api } = Live;
  let questions = [];
  /** Answers by question, so that they stay when the language changes. */
  const answers = {};
  const guesses = {};
  let running = null;

  Live.on("tab", async (name) => {
    if (name !== "predict") return;
    if (questions.length === 0) {
      const place = document.getElementById("panel-predict");
      questions = (await Live.attempt(place, () => api("GET", "/api/questions"))) ?? [];
    }
    show();
  });
  Live.on("choices", () => Live.tab === "predict" && show());

  function show() {
    document.getElementById("cards").replaceChildren(...questions.map(card));
  }

  function card(question, n) {
    const place = el("form", { class: "card", "aria-labelledby": `question-${n}` });
    const inputs = question.sides.map((arm) => input(question, arm));
    const label = running === question.id ? t("running") : t("measure");
    const button = el("button", { class: "primary", disabled: running !== null }, label);
    place.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(question, place);
    });
    const answer = answers[question.id];
    place.append(
      el(
        "p",
        { id: `question-${n}`, class: "question" },
        el("b", {}, `${n + 1} `),
        Live.both(question.text),
      ),
      el("div", { class: "guesses" }, ...inputs, button),
      el("div", { role: "status" }, ...(answer ? result(question, answer) : [])),
    );
    return place;
  }

  function input(question, arm) {
    const field = el("input", {
      type: "number",
      min: 0,
      step: "any",
      required: true,
      inputmode: "decimal",
      name: arm,
      value: guesses[question.id]?.[arm] ?? "",
    });
    field.addEventListener("input", () => {
      guesses[question.id] = { ...guesses[question.id], [arm]: field.value };
    });
    return el(
      "label",
      {},
      el("b", { class: arm }, t(`side_${arm}`)),
      " ",
      field,
      ` ${t(`unit_${question.unit}`)}`,
    );
  }

  async function ask(question, place) {
    const guess = {};
    for (const arm of question.sides) guess[arm] = Number(guesses[question.id][arm]);
    running = question.id;
    for (const button of document.querySelectorAll("#cards .primary")) button.disabled = true;
    Live.text(place.querySelector(".primary"), t("running"));
    const path = `/api/questions/${encodeURIComponent(question.id)}`;
    const answer = await Live.attempt(place, () => api("POST", path, { guess }));
    running = null;
    if (answer) {
      answers[question.id] = answer;
      show();
      return;
    }
    for (const button of document.querySelectorAll("#cards .primary")) button.disabled = false;
    Live.text(place.querySelector(".primary"), t("measure"));
  }

  function result(question, { guess, measured, explanation }) {
    const values = question.sides.flatMap((arm) => [guess[arm], measured[arm]]);
    const most = Math.max(1e-9, ...values.filter((value) => value != null));
    const bar = (kind, value) =>
      el(
        "div",
        { class: `compare ${kind}` },
        el("span", {}, t(kind)),
        el(
          "span",
          { class: "track" },
          el("span", { class: "bar", style: `width:${(100 * (value ?? 0)) / most}%` }),
        ),
        el(
          "b",
          {},
          value == null
            ? "–"
            : `${Live.number(value, value % 1 ? 1 : 0)} ${t(`unit_${question.unit}`)}`,
        ),
      );
    const sides = question.sides.map((arm) =>
      el(
        "div",
        {},
        el("b", { class: arm }, t(`side_${arm}`)),
        bar("guess", guess[arm]),
        bar("measured", measured[arm]),
      ),
    );
    return [...sides, el("p", {}, Live.both(explanation))];
  }
})();
