"use strict";
// What the page knows, and the helpers that every other file uses.
(() => {
  const listeners = new Map();

  Object.assign(Live, {
    arms: ["A0", "A3"],
    setup: null,
    tick: null,
    audit: null,
    token: takeToken(),
    /** At most 100 recent orders, newest first: `{arm, id, number, at_ms, status, by_hand}`. */
    orders: [],
    choices: readChoices(),

    on(event, act) {
      listeners.set(event, [...(listeners.get(event) ?? []), act]);
    },
    emit(event, value) {
      for (const act of listeners.get(event) ?? []) act(value);
    },

    el: (tag, attributes, ...children) => build(document.createElement(tag), attributes, children),
    svg: (tag, attributes, ...children) =>
      build(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children),

    /** Sets a text only if it changed, so that four ticks per second cost no layout. */
    text(element, text) {
      const shown = String(text);
      if (element.textContent !== shown) element.textContent = shown;
    },

    /** How much larger than normal the type is: drawings grow with it. */
    unit: () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 15,
    /** The size of a drawing in pixels, and in its own units. */
    scaled: ({ width, height, unit }) => ({
      width: width * unit,
      height: height * unit,
      viewBox: `0 0 ${width} ${height}`,
    }),

    async api(method, path, body) {
      const headers = { "x-twofold-token": Live.token };
      if (body !== undefined) headers["content-type"] = "application/json";
      let response;
      try {
        response = await fetch(path, { method, headers, body: JSON.stringify(body) });
      } catch {
        throw new Error(Live.t("no_answer"));
      }
      const answer = await response.json().catch(() => ({}));
      if (!response.ok) throw new Error(answer.error ?? `${response.status} ${path}`);
      return answer;
    },

    /** Runs `act`; shows its error inside `place`, where it happened. */
    async attempt(place, act) {
      place.querySelector(":scope > .problem")?.remove();
      try {
        return await act();
      } catch (error) {
        const close = Live.el("button", { type: "button", "aria-label": Live.t("close") }, "×");
        const problem = Live.el("p", { class: "problem", role: "alert" }, error.message, close);
        close.addEventListener("click", () => problem.remove());
        place.append(problem);
        return undefined;
      }
    },

    /** A button that is busy while its action runs. */
    button(label, place, act, attributes = {}) {
      const button = Live.el("button", { type: "button", ...attributes }, label);
      button.addEventListener("click", async () => {
        button.setAttribute("aria-busy", "true");
        button.disabled = true;
        await Live.attempt(place, () => act(button));
        button.disabled = false;
        button.removeAttribute("aria-busy");
      });
      return button;
    },

    choose(name, value) {
      Live.choices[name] = value;
      localStorage.setItem("twofold", JSON.stringify(Live.choices));
      applyChoices();
      Live.emit("choices");
    },

    number: (value, digits = 0) =>
      value.toLocaleString(Live.choices.language, {
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      }),
    /** A duration with as many digits as a reader can use. */
    ms(value) {
      if (value == null) return "–";
      if (value < 10) return `${Live.number(value, 1)} ms`;
      if (value < 1000) return `${Live.number(value)} ms`;
      return Live.seconds(value / 1000);
    },
    seconds: (value) => `${Live.number(value, value < 100 ? 1 : 0)} s`,
    clock: (at_ms) => new Date(at_ms).toLocaleTimeString(Live.choices.language, { hour12: false }),
    /** The language's half of a text that came from the server. */
    both: (text) => text?.[Live.choices.language] ?? text?.en ?? "",
  });

  /** The token is in the fragment, which no server sees. It leaves the address bar at once. */
  function takeToken() {
    const token = location.hash.slice(1);
    if (token) {
      sessionStorage.setItem("twofold-token", token);
      history.replaceState(null, "", location.pathname);
    }
    return sessionStorage.getItem("twofold-token") ?? "";
  }

  function readChoices() {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const usual = {
      language: navigator.language.startsWith("ja") ? "ja" : "en",
      theme: dark ? "dark" : "light",
      large: false,
    };
    try {
      return { ...usual, ...JSON.parse(localStorage.getItem("twofold")) };
    } catch {
      return usual;
    }
  }

  function applyChoices() {
    const { language, theme, large } = Live.choices;
    Object.assign(document.documentElement.dataset, { theme, large });
    document.documentElement.lang = language;
    Live.translate(document);
  }
  Live.applyChoices = applyChoices;

  function build(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {})) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value != null) element.setAttribute(name, value);
    }
    // Strings become text nodes: nothing that came from outside is ever read as HTML.
    element.append(...children.flat().filter((child) => child != null && child !== false));
    return element;
  }
})();
