"use strict";
// Starts the page: controls, tabs, banners, and the stream.
(() => {
  const { el, t, api } = Live;
  const $ = (id) => document.getElementById(id);
  let is_dragging = false;

  Live.setLoad = (arms, rate) => {
    const scenario = $("scenario").value || "checkout";
    return api("PUT", "/api/load", { arms, rate, scenario });
  };

  Live.openTab = (name) => {
    for (const tab of document.querySelectorAll("[role=tab]")) {
      const is_open = tab.id === `tab-${name}`;
      tab.setAttribute("aria-selected", is_open);
      tab.tabIndex = is_open ? 0 : -1;
      $(tab.getAttribute("aria-controls")).hidden = !is_open;
    }
    Live.tab = name;
    Live.emit("tab", name);
  };

  /** A question before something that cannot be undone, or has settings. */
  Live.dialog = (title, ...content) => {
    const dialog = $("dialog");
    const close = el("button", { type: "button", class: "more" }, "×");
    close.setAttribute("aria-label", t("close"));
    close.addEventListener("click", () => dialog.close());
    const heading = el("h2", { id: "dialog-title" }, title);
    dialog.replaceChildren(el("div", { class: "heading" }, heading, close), ...content);
    dialog.showModal();
    return dialog;
  };

  /** A sentence for those who hear the page. */
  Live.announce = (text) => Live.text($("announce"), text);

  function startLoad() {
    const send = () => {
      const side = $("load-side").value;
      const arms = side === "both" ? Live.arms : [side];
      return Live.attempt($("load"), () => Live.setLoad(arms, Number($("rate").value)));
    };
    let timer = null;
    $("rate").addEventListener("input", () => {
      is_dragging = true;
      showRate();
      clearTimeout(timer);
      timer = setTimeout(send, 200);
    });
    $("rate").addEventListener("change", () => setTimeout(() => (is_dragging = false), 1500));
    $("scenario").addEventListener("change", send);
    $("stop").addEventListener("click", () => {
      $("rate").value = 0;
      showRate();
      Live.attempt($("load"), () => Live.setLoad(Live.arms, 0));
    });
    $("load-side").addEventListener("change", () => Live.tick && showLoad(Live.tick));
    Live.on("tick", showLoad);
    Live.on("choices", showRate);
  }

  function showLoad(tick) {
    if (is_dragging || !tick.load) return;
    const side = $("load-side").value;
    const load = tick.load[side === "both" ? "A3" : side];
    if (!load) return;
    $("rate").value = load.rate;
    if (load.scenario && document.activeElement !== $("scenario"))
      $("scenario").value = load.scenario;
    showRate();
  }

  function showRate() {
    const rate = Number($("rate").value);
    Live.text($("rate-now"), t("orders_per_second", Live.number(rate)));
    $("rate").setAttribute("aria-valuetext", t("orders_per_second", rate));
  }

  function startChoices() {
    const pressed = () => {
      $("large").setAttribute("aria-pressed", String(Live.choices.large));
      $("theme").setAttribute("aria-pressed", String(Live.choices.theme === "dark"));
      // The button has the name of the other language, in that language.
      $("language").lang = otherLanguage();
      Live.text($("language"), otherLanguage() === "ja" ? "日本語" : "English");
      fillScenarios();
    };
    $("large").addEventListener("click", () => Live.choose("large", !Live.choices.large));
    $("theme").addEventListener("click", () =>
      Live.choose("theme", Live.choices.theme === "dark" ? "light" : "dark"),
    );
    $("language").addEventListener("click", () => Live.choose("language", otherLanguage()));
    Live.on("choices", pressed);
    pressed();
  }

  const otherLanguage = () => (Live.choices.language === "ja" ? "en" : "ja");

  function fillScenarios() {
    const names = (Live.setup?.scenarios ?? []).map((one) => one.name);
    const now = $("scenario").value;
    const option = (name) => el("option", { value: name }, t.or(`scenario_${name}`, name));
    $("scenario").replaceChildren(...names.map(option));
    if (now) $("scenario").value = now;
  }

  function startTabs() {
    const tabs = [...document.querySelectorAll("[role=tab]")];
    for (const tab of tabs) {
      tab.addEventListener("click", () => Live.openTab(tab.id.slice(4)));
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
        Live.openTab(next.id.slice(4));
        next.focus();
      });
    }
    Live.openTab("charts");
  }

  function startBanners() {
    Live.on("connection", (state) => {
      document.documentElement.dataset.connection = state;
      Live.text($("connection"), t(`connection_${state}`));
      const is_live = state === "live";
      $("lost").hidden = is_live;
      if (!is_live) Live.text($("lost"), t(`banner_${state}`));
    });
    const channel = new BroadcastChannel("twofold");
    const other = () => ($("second-tab").hidden = false);
    channel.addEventListener("message", (event) => {
      other();
      if (event.data === "opened") channel.postMessage("here");
    });
    channel.postMessage("opened");
    $("second-tab-close").addEventListener("click", () => ($("second-tab").hidden = true));
  }

  function showFigures(tick) {
    for (const arm of Live.arms) {
      const now = Live.lastSecond(arm);
      const put = (name, value) => Live.text($(`${name}-${arm}`), value);
      if (tick.arms[arm]) put("backlog", Live.number(tick.arms[arm].backlog));
      if (!now) continue;
      put("accepted", Live.number(now.accepted));
      put("refused", Live.number(now.refused));
      $(`refused-${arm}`).parentElement.classList.toggle("bad", now.refused > 0);
      put("answered", Live.ms(now.answered_p99));
      put("settling", Live.ms(now.settling_p99));
    }
    $("heal").classList.toggle("primary", (tick.faults ?? []).length > 0);
    if (tick.cost) Live.text($("cost"), t("cost", Live.number(tick.cost.cpu * 100, 1)));
  }

  function startLog() {
    const line = (mark) =>
      el(
        "li",
        { class: mark.kind },
        el("time", {}, Live.clock(mark.at_ms)),
        " ",
        mark.arm && el("b", { class: mark.arm }, `${t(`side_${mark.arm}`)} `),
        Live.both(mark.text),
      );
    const show = () => $("log").replaceChildren(...Live.marks.toReversed().map(line));
    Live.on("marks", (mark) => {
      if (mark.kind === "problem" && !Live.is_past) {
        const close = el(
          "button",
          { type: "button", class: "more", "aria-label": t("close") },
          "×",
        );
        const banner = el("p", { class: "banner" }, Live.both(mark.text), close);
        close.addEventListener("click", () => banner.remove());
        if ($("problems").childElementCount >= 3) $("problems").firstChild.remove();
        $("problems").append(banner);
      }
      if (!Live.is_past) Live.announce(Live.both(mark.text));
      if (Live.tab === "log") show();
    });
    Live.on("tab", (name) => name === "log" && show());
    Live.on("choices", show);
  }

  async function start() {
    Live.applyChoices();
    startTabs();
    startBanners();
    startChoices();
    startLoad();
    startLog();
    Live.startMenus();
    Live.startGuide();
    $("heal").replaceWith(
      Live.button(t("heal"), $("heal-place"), () => api("POST", "/api/heal", { arm: null }), {
        id: "heal",
        "data-t": "heal",
      }),
    );
    Live.on("tick", showFigures);
    for (;;) {
      try {
        Live.setup = await api("GET", "/api/setup");
        break;
      } catch (error) {
        $("lost").hidden = false;
        Live.text($("lost"), error.message);
        await new Promise((resume) => setTimeout(resume, 1000));
      }
    }
    fillScenarios();
    Live.drawMaps();
    Live.emit("setup");
    Live.follow();
  }

  start();
})();
