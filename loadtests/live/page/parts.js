"use strict";
// The maps: one node per process, queue, database and outside party, filled by each tick.
(() => {
  const { el, svg, text, t } = Live;
  /** `arm/name` to `{element, show(tickOfArm, tick)}`. */
  const nodes = new Map();

  Live.nodeOf = (arm, name) => nodes.get(`${arm}/${name}`)?.element;

  /** Rows: the customer and the bands' names, queues, processes, databases, what is outside. */
  Live.drawMaps = () => {
    nodes.clear();
    for (const arm of Live.setup.arms) drawMap(arm);
    Live.emit("maps");
  };

  Live.on("tick", (tick) => {
    for (const [key, node] of nodes) {
      const arm = tick.arms[key.slice(0, 2)];
      if (arm) node.show(arm, tick);
    }
  });

  function drawMap(arm) {
    const map = document.getElementById(`map-${arm.name}`);
    const columns = columnsOf(arm);
    map.style.setProperty("--columns", Math.max(columns.length, 2));
    const has_queues = arm.queues.length > 0;
    map.classList.toggle("alone", !has_queues);
    map.replaceChildren(
      el("div", { class: "band postgres-band" }),
      el("div", { class: "band queue-band", hidden: !has_queues }),
      svg("svg", { class: "arrows", "aria-hidden": "true" }),
      el("canvas", { class: "dots", "aria-hidden": "true" }),
    );
    const put = (node, column, row, name) => {
      node.element.style.setProperty("--column", column + 1);
      node.element.style.setProperty("--row", row);
      nodes.set(`${arm.name}/${name}`, node);
      map.append(node.element);
    };

    put(customer(), 0, 1, "customer");
    columns.forEach((part, column) => {
      const queues = arm.queues.filter((queue) => queue.read_by === part.name);
      const cell = el("div", { class: "queues" });
      cell.style.setProperty("--column", column + 1);
      cell.style.setProperty("--row", 2);
      for (const queue of queues) {
        const node = queueNode(arm.name, queue);
        nodes.set(`${arm.name}/${queue.name}`, node);
        cell.append(node.element);
      }
      if (queues.length > 0) map.append(cell);

      // The first column has no queue: the entry stands above the service that only it calls.
      const row = !has_queues || column > 0 ? 3 : 2;
      put(processNode(arm.name, part), column, row, part.name);
      if (part.database) put(databaseNode(part.database), column, 4, part.database);
    });
    const second = arm.parts.find((part) => part.kind === "service" && !columns.includes(part));
    if (second) {
      put(processNode(arm.name, second), 0, 3, second.name);
      if (second.database) put(databaseNode(second.database), 0, 4, second.database);
    }
    drawOutside(arm, columns, put);
    if (!has_queues) {
      map.append(el("p", { class: "no-queue", "data-t": "no_queue" }, t("no_queue")));
    }
  }

  /** The columns: the entry, then the services in the sequence in which an order passes them. */
  function columnsOf(arm) {
    const entry = arm.parts.find((part) => part.kind === "entry");
    const readers = new Set(arm.queues.map((queue) => queue.read_by));
    const services = arm.parts.filter((part) => part.kind === "service" && readers.has(part.name));
    // The order service is called first and reads last.
    const read = (part) => arm.queues.findIndex((queue) => queue.read_by === part.name);
    const rank = (part) => (part.database === "orders" ? -1 : read(part));
    return [entry, ...services.sort((one, other) => rank(one) - rank(other))];
  }

  function drawOutside(arm, columns, put) {
    const named = (name) => arm.parts.find((part) => part.name === name) ?? { name };
    const caller = columns.findIndex((part) => part.database === "payments");
    const column = caller < 0 ? 1 : caller;
    put(outsideNode(arm.name, named("postgres"), "postgres"), 0, 5, "postgres");
    put(outsideNode(arm.name, named("provider"), "provider"), column, 5, "provider");
    const queues = arm.parts.find((part) => part.kind === "queue_server");
    if (queues) put(outsideNode(arm.name, queues, "queue_server"), 1, 1, queues.name);
  }

  function customer() {
    const element = el("div", { class: "node customer" });
    element.append(el("span", { "data-t": "customer" }, t("customer")));
    return { element, show() {} };
  }

  function heading(arm, part, kind) {
    const name = el("span", { class: "name" }, part.title ?? part.name);
    const more = el("button", { type: "button", class: "more", "aria-haspopup": "menu" }, "⋯");
    more.addEventListener("click", () => Live.openMenu(more, arm, part, kind));
    const label = () => more.setAttribute("aria-label", t("actions_of", part.name));
    label();
    Live.on("choices", label);
    return el("div", { class: "heading" }, name, more);
  }

  function processNode(arm, part) {
    const replicas = el("div", { class: "replicas" });
    const faults = el("p", { class: "faults" });
    const attributes = {
      class: `node process ${part.kind}`,
      role: "group",
      "aria-label": part.name,
    };
    const element = el("div", attributes, heading(arm, part, part.kind), replicas, faults);
    const show = (of_arm, tick) => {
      const processes = replicasOf(of_arm, part.name);
      element.dataset.state = worstState(processes);
      while (replicas.childElementCount > processes.length) replicas.lastChild.remove();
      while (replicas.childElementCount < processes.length) replicas.append(replicaLine());
      processes.forEach((process, n) => showReplica(replicas.children[n], process));
      element.dataset.replicas = processes.length;
      text(faults, faultsOf(tick, arm, part.name));
    };
    return { element, show };
  }

  /** `payment-service`, and `payment-service-2` to `-4` where it was scaled. */
  function replicasOf(of_arm, name) {
    const number = (process) => process.name.slice(name.length);
    return of_arm.processes.filter(
      (process) => process.name.startsWith(name) && /^(-\d+)?$/.test(number(process)),
    );
  }
  Live.replicasOf = replicasOf;

  function worstState(processes) {
    const worst = ["down", "paused", "starting", "up"];
    return worst.find((state) => processes.some((one) => one.state === state)) ?? "unknown";
  }

  const replicaLine = () =>
    el("div", { class: "replica" }, el("span", { class: "state" }), el("span", { class: "use" }));

  function showReplica(line, process) {
    const { state, pid, reason } = process;
    line.dataset.state = state;
    const pid_text = pid ? ` · pid ${pid}` : "";
    text(line.children[0], t(`state_${state}`) + pid_text);
    const is_running = state === "up" || state === "paused";
    text(line.children[1], is_running ? use(process) : (reason ?? ""));
  }

  function use({ cpu, memory_mb, connections }) {
    const parts = [];
    if (cpu != null) parts.push(`CPU ${Live.number(cpu * 100)} %`);
    if (memory_mb != null) parts.push(`${Live.number(memory_mb)} MB`);
    if (connections != null) parts.push(t("connections", connections));
    return parts.join(" · ");
  }

  function faultsOf(tick, arm, name) {
    const here = (fault) => fault.part === name && (fault.arm == null || fault.arm === arm);
    const faults = (tick.faults ?? []).filter(here);
    return faults.map((fault) => t.or(`fault_${fault.id}`, fault.id)).join(" · ");
  }

  function outsideNode(arm, part, kind) {
    const state = el("span", { class: "state" });
    const faults = el("p", { class: "faults" });
    const shown = { ...part, title: t.or(`title_${kind}`, part.name) };
    const attributes = { class: `node outside ${kind}`, role: "group", "aria-label": part.name };
    const element = el("div", attributes, heading(arm, shown, kind), state, faults);
    Live.on("choices", () =>
      text(element.querySelector(".name"), t.or(`title_${kind}`, part.name)),
    );
    const show = (of_arm, tick) => {
      const process = of_arm.processes.find((one) => one.name === part.name);
      element.dataset.state = process?.state ?? "up";
      const is_up = !process || process.state === "up";
      text(state, is_up ? "" : t(`state_${process.state}`));
      text(faults, faultsOf(tick, arm, part.name));
    };
    return { element, show };
  }

  function databaseNode(name) {
    const outbox = el("span", { class: "outbox" });
    const label = el("span", { class: "name" }, name);
    const attributes = { class: "node database", role: "group", "aria-label": name };
    const element = el("div", attributes, label, outbox);
    const show = (of_arm) => {
      const rows = of_arm.outboxes.find((one) => one.database === name)?.rows;
      text(outbox, rows == null ? "" : t("outbox", Live.number(rows)));
      element.dataset.full = rows > 100 ? "much" : rows > 0 ? "some" : "none";
    };
    return { element, show };
  }

  function queueNode(arm, queue) {
    const late = el("span", { class: "fill late", "aria-hidden": "true" });
    const fill = el("span", { class: "fill", "aria-hidden": "true" });
    const name = el("button", { type: "button", class: "name" }, queue.name);
    name.addEventListener("click", () => Live.showMessages(queue.name));
    const waiting = el("b", { class: "waiting" }, "0");
    const in_flight = el("span", {});
    const delayed = el("span", {});
    const rest = el("span", { class: "rest" }, in_flight, " ", delayed);
    const oldest = el("span", { class: "rest" });
    const dead = el("button", { type: "button", class: "dead", hidden: true });
    dead.addEventListener("click", () => Live.showMessages(queue.dead_letters));
    const attributes = { class: "node queue", role: "group", "aria-label": queue.name };
    const element = el("div", attributes, late, fill, name, waiting, rest, oldest, dead);
    const show = (of_arm) => {
      const now = of_arm.queues.find((one) => one.name === queue.name);
      if (!now) return;
      fill.style.height = `${fillOf(now.waiting + now.in_flight)}%`;
      late.style.height = `${fillOf(now.waiting + now.in_flight + now.delayed)}%`;
      const age_s = now.waiting > 0 ? (now.oldest_s ?? 0) : 0;
      element.dataset.old = age_s > 10 ? "much" : age_s > 2 ? "some" : "none";
      text(waiting, Live.number(now.waiting));
      text(in_flight, t("in_flight", Live.number(now.in_flight)));
      text(
        delayed,
        now.delayed > 0 || queue.delay_s > 0 ? t("delayed", Live.number(now.delayed)) : "",
      );
      text(oldest, age_s > 0 ? t("oldest", Live.seconds(age_s)) : "");
      dead.hidden = now.dead === 0;
      text(dead, t("dead", Live.number(now.dead)));
    };
    return { element, show };
  }

  /** A tenth full with one message, full with ten thousand: each step is ten times as many. */
  function fillOf(count) {
    if (count === 0) return 0;
    return Math.min(100, 10 + (90 * Math.log10(count)) / 4);
  }
})();
