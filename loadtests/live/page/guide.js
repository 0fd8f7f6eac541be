"use strict";
// The first three minutes: five steps, each one button, each done when the shops show it.
(() => {
  const { el, t } = Live;
  const VICTIM = "payment-service";
  const FIRST_RATE = 20;
  const BACKLOG = 100;
  /** The number of steps that are done. */
  let done = 0;
  let killed_at_ms = 0;
  let most = 0;

  const STEPS = [
    {
      name: "guide_load",
      act: () => Live.setLoad(Live.arms, FIRST_RATE),
      is_done: (tick) => Live.arms.every((arm) => (tick.load?.[arm]?.rate ?? 0) > 0),
    },
    {
      name: "guide_kill",
      act: () => Live.act("A3", VICTIM, "kill"),
      is_done: (tick) => state(tick) === "down",
    },
    {
      name: "guide_watch",
      is_done: (tick) => tick.arms.A3.backlog >= BACKLOG,
      says: (tick) => t("guide_waiting", Live.number(tick.arms.A3.backlog)),
    },
    {
      name: "guide_restart",
      act: () => Live.act("A3", VICTIM, "restart"),
      is_done: (tick) => state(tick) === "up" && tick.arms.A3.backlog < Math.max(10, most / 2),
      says: (tick) => t("guide_waiting", Live.number(tick.arms.A3.backlog)),
    },
    {
      name: "guide_audit",
      act: async () => {
        await Live.setLoad(Live.arms, 0);
        await Live.runAudit();
      },
      // The audit that follows the restart judges a part only, since the load still runs.
      is_done: (tick) =>
        Live.arms.every((arm) => tick.load?.[arm]?.rate === 0) &&
        Live.audit?.at_ms > killed_at_ms &&
        Object.values(Live.audit.arms).every((arm) => arm.quiet),
    },
  ];

  Live.on("tick", (tick) => {
    if (!tick.arms.A3) return;
    most = Math.max(most, tick.arms.A3.backlog);
    advance(tick);
  });
  Live.on("audit", () => Live.tick && advance(Live.tick));
  Live.on("choices", show);

  Live.startGuide = () => {
    const close = () => {
      document.getElementById("guide").hidden = true;
      Live.choose("guide", "closed");
    };
    document.getElementById("guide-close").addEventListener("click", close);
    document.getElementById("guide").hidden = Live.choices.guide === "closed";
    document.getElementById("guide-open").addEventListener("click", () => {
      done = 0;
      document.getElementById("guide").hidden = false;
      Live.choose("guide", "open");
    });
    show();
  };

  function state(tick) {
    return tick.arms.A3.processes.find((process) => process.name === VICTIM)?.state;
  }

  function advance(tick) {
    const before = done;
    while (done < STEPS.length && STEPS[done].is_done(tick)) {
      if (STEPS[done].name === "guide_kill") {
        killed_at_ms = tick.at_ms;
        most = 0;
      }
      done += 1;
    }
    if (done !== before) show();
    else showProgress(tick);
  }

  function show() {
    const list = document.getElementById("guide-steps");
    const had_focus = list.contains(document.activeElement);
    list.replaceChildren(...STEPS.map(stepOf));
    if (had_focus) list.querySelector("[aria-current] button")?.focus();
    if (Live.tick) showProgress(Live.tick);
  }

  function stepOf(step, n) {
    const is_now = n === done;
    const current = is_now ? "step" : null;
    const item = el("li", { "aria-current": current, class: n < done ? "done" : null });
    const label = `${n < done ? "✓" : n + 1} ${t(step.name)}`;
    const can_act = is_now && step.act;
    const content = can_act
      ? Live.button(label, item, step.act, { class: "primary" })
      : el("span", {}, label);
    item.append(content, el("span", { class: "progress" }));
    return item;
  }

  function showProgress(tick) {
    const progress = document.querySelector("#guide-steps [aria-current] .progress");
    if (progress) Live.text(progress, STEPS[done]?.says?.(tick) ?? "");
    const is_green = Live.audit && Live.brokenPromises().length === 0;
    const last = is_green ? t("guide_end") : t("guide_red");
    const end = done === STEPS.length ? last : "";
    document.getElementById("guide-end").classList.toggle("bad", !is_green);
    Live.text(document.getElementById("guide-end"), end);
  }
})();
