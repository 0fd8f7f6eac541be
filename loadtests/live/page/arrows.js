"use strict";
// Arrows between the nodes of a map, and the messages that move along them.
(() => {
  const { svg, t } = Live;
  const TRAVEL_MS = 750;
  const DOTS_PER_TICK = 10;
  /** The server traces at most this many orders per second of each side's load. */
  const TRACED_PER_SECOND = 10;
  const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500];
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  /** By side: `{arm, map, canvas, arrows: Map(key, arrow), dots}`. */
  const maps = {};
  /** How many messages a dot stands for, the same on both sides, and the largest recent flow. */
  let scale = 1;
  let most = 0;
  let frame = null;

  Live.on("maps", () => {
    for (const arm of Live.setup.arms) {
      const map = document.getElementById(`map-${arm.name}`);
      const arrows = new Map();
      maps[arm.name] = { arm, map, canvas: map.querySelector("canvas"), arrows, dots: [] };
      for (const [from, to] of routes(arm)) add(arm.name, from, to);
      const observer = new ResizeObserver(() => layOut(arm.name));
      for (const place of [map, ...map.querySelectorAll(".node")]) observer.observe(place);
    }
  });
  Live.on("choices", () => requestAnimationFrame(() => Object.keys(maps).forEach(layOut)));
  still.addEventListener("change", () => Object.keys(maps).forEach(layOut));

  Live.on("tick", (tick) => {
    const all = Object.values(maps).filter((map) => tick.arms[map.arm.name]);
    const flows = all.map((map) => flowsOf(map.arm, tick.arms[map.arm.name]));
    setScale(Math.max(0, ...flows.flat().map((flow) => flow.count)));
    all.forEach((map, n) => takeFlows(map, flows[n]));
  });

  /** The arrows that are always drawn. Others appear with their first message. */
  function routes(arm) {
    const entry = arm.parts.find((part) => part.kind === "entry").name;
    const services = arm.parts.filter((part) => part.kind === "service");
    const called = services.filter(
      (part) => part.database === "orders" || part.database === "accounts",
    );
    const payer = arm.parts.find((part) => part.database === "payments")?.name ?? entry;
    return [
      ["customer", entry],
      ...called.map((part) => [entry, part.name]),
      ...arm.parts.filter((part) => part.database).map((part) => [part.name, part.database]),
      [payer, "provider"],
      ...arm.queues.flatMap((queue) => [
        ...queue.senders.map((sender) => [sender, queue.name]),
        [queue.name, queue.read_by],
      ]),
    ];
  }

  /** The flows of a tick, and those that follow from its orders. */
  function flowsOf(arm, { flows, orders }) {
    const entry = arm.parts.find((part) => part.kind === "entry");
    const has = (from, to) => flows.some((flow) => flow.from === from && flow.to === to);
    const more = [{ from: "customer", to: entry.name, count: orders.refused, refused: true }];
    if (!has("customer", entry.name)) {
      more.push({ from: "customer", to: entry.name, count: orders.offered });
    }
    return [...flows, ...more];
  }

  function add(arm, from, to) {
    const key = `${from}>${to}`;
    const map = maps[arm];
    if (map.arrows.has(key)) return map.arrows.get(key);
    if (!Live.nodeOf(arm, from) || !Live.nodeOf(arm, to)) return null;
    const path = svg("path", { class: "arrow" });
    const label = svg("text", { class: "count" });
    map.map.querySelector("svg").append(path, label);
    const reverse = map.arrows.get(`${to}>${from}`);
    if (reverse) reverse.has_return = true;
    const is_part = (name) =>
      name === "customer" || map.arm.parts.some((part) => part.name === name);
    const arrow = {
      from,
      to,
      path,
      label,
      is_request: is_part(from) && is_part(to),
      has_return: reverse !== undefined,
      waiting: { sent: 0, refused: 0 },
      recent: 0,
    };
    map.arrows.set(key, arrow);
    return arrow;
  }

  function layOut(arm) {
    const { map, canvas, arrows } = maps[arm];
    const ratio = window.devicePixelRatio || 1;
    canvas.width = map.clientWidth * ratio;
    canvas.height = map.clientHeight * ratio;
    canvas.style.width = `${map.clientWidth}px`;
    canvas.style.height = `${map.clientHeight}px`;
    const drawing = map.querySelector("svg");
    drawing.setAttribute("width", map.clientWidth);
    drawing.setAttribute("height", map.clientHeight);
    const style = getComputedStyle(map);
    const colour = (name) => style.getPropertyValue(name);
    maps[arm].colours = { sent: colour("--dot"), refused: colour("--bad") };
    for (const arrow of arrows.values()) {
      place(arrow, box(map, Live.nodeOf(arm, arrow.from)), box(map, Live.nodeOf(arm, arrow.to)));
    }
  }

  function box(map, node) {
    const inner = node.getBoundingClientRect();
    const outer = map.getBoundingClientRect();
    const left = inner.left - outer.left + map.scrollLeft;
    const top = inner.top - outer.top + map.scrollTop;
    return { left, top, right: left + inner.width, bottom: top + inner.height };
  }

  /** A curve from edge to edge. A request goes sideways, a message up or down where it can. */
  function place(arrow, from, to) {
    const middle = (one) => [(one.left + one.right) / 2, (one.top + one.bottom) / 2];
    const [[fx, fy], [tx, ty]] = [middle(from), middle(to)];
    const is_upright = from.bottom <= to.top || to.bottom <= from.top;
    const is_apart = from.right <= to.left || to.right <= from.left;
    let start, end, out, back;
    if (is_upright && !(is_apart && arrow.is_request)) {
      const down = from.bottom <= to.top;
      const [out_x, back_x] = is_apart ? leaning(from, to) : shared(arrow, from, to);
      start = [out_x, down ? from.bottom : from.top];
      end = [back_x, down ? to.top : to.bottom];
      const bend = (end[1] - start[1]) * 0.5;
      out = [start[0], start[1] + bend];
      back = [end[0], end[1] - bend];
    } else {
      const right = fx < tx;
      start = [right ? from.right : from.left, fy];
      end = [right ? to.left : to.right, ty];
      const bend = (end[0] - start[0]) * (is_upright ? 1 : 0.5);
      out = [start[0] + bend, start[1]];
      back = [end[0] - bend, end[1]];
    }
    arrow.curve = [start, out, back, end];
    arrow.path.setAttribute("d", `M${start} C${out} ${back} ${end}`);
    // Near the service, what is sent; near the queue, what is received.
    const [x, y] = point(arrow.curve, arrow.is_request ? 0.5 : 0.2);
    arrow.label.setAttribute("x", x);
    arrow.label.setAttribute("y", y);
  }

  /** The ends of an arrow lean towards each other. */
  function leaning(from, to) {
    const x = (one) => (one.left + one.right) / 2;
    const lean = (one, distance) =>
      x(one) + Math.max(-0.36, Math.min(0.36, distance / 900)) * (one.right - one.left);
    return [lean(from, x(to) - x(from)), lean(to, x(from) - x(to))];
  }

  /** A straight arrow where the nodes overlap. One that comes back has a place next to it. */
  function shared(arrow, from, to) {
    const x = (Math.max(from.left, to.left) + Math.min(from.right, to.right)) / 2;
    const at = x + (arrow.has_return ? (arrow.from < arrow.to ? -8 : 8) : 0);
    return [at, at];
  }

  function point([a, b, c, d], at) {
    const left = 1 - at;
    const [u, v, w, z] = [left ** 3, 3 * left * left * at, 3 * left * at * at, at ** 3];
    return [u * a[0] + v * b[0] + w * c[0] + z * d[0], u * a[1] + v * b[1] + w * c[1] + z * d[1]];
  }

  /** A rising load changes the scale at once, a falling one slowly. */
  function setScale(largest) {
    most = Math.max(largest, most * 0.95);
    scale = STEPS.find((step) => most / step <= DOTS_PER_TICK) ?? 1000;
  }

  function takeFlows(map, flows) {
    Live.text(document.getElementById(`scale-${map.arm.name}`), scaleText(map.arm.name));
    for (const arrow of map.arrows.values()) arrow.now = 0;
    for (const flow of flows) {
      const arrow = add(map.arm.name, flow.from, flow.to);
      if (!arrow) continue;
      if (!arrow.curve) layOut(map.arm.name);
      if (!flow.refused) arrow.now += flow.count;
      if (!still.matches && !document.hidden) send(map, arrow, flow);
    }
    for (const arrow of map.arrows.values()) showCount(arrow);
  }

  function scaleText(arm) {
    const dots = scale === 1 ? t("one_dot_1") : t("one_dot", scale);
    const is_sampled = Live.lastSecond(arm)?.accepted > TRACED_PER_SECOND;
    const calls = is_sampled ? ` · ${t("calls_estimated")}` : "";
    return (still.matches ? t("counts_shown") : dots) + calls;
  }

  /** Messages that are too few for a dot wait for the next tick, so that none is left out. */
  function send(map, arrow, flow) {
    const kind = flow.refused ? "refused" : "sent";
    const waiting = arrow.waiting[kind] + flow.count;
    const count = Math.floor(waiting / scale);
    arrow.waiting[kind] = waiting - count * scale;
    const now = performance.now();
    for (let n = 0; n < count; n++) {
      map.dots.push({ arrow, kind, starts: now + (250 * n) / count });
    }
    if (frame === null) frame = requestAnimationFrame(draw);
  }

  /** Without motion, an arrow shows its messages per second, over the last two seconds or so. */
  function showCount(arrow) {
    arrow.recent = arrow.recent * 0.875 + (arrow.now ?? 0) * 0.125;
    const per_second = arrow.recent * 4;
    arrow.path.classList.toggle("busy", per_second > 0.05);
    const shown = still.matches && per_second > 0.05;
    Live.text(
      arrow.label,
      shown ? t("per_second", Live.number(per_second, per_second < 10 ? 1 : 0)) : "",
    );
  }

  function draw(now) {
    let moving = false;
    for (const map of Object.values(maps)) {
      const drawing = map.canvas.getContext("2d");
      const ratio = window.devicePixelRatio || 1;
      drawing.setTransform(ratio, 0, 0, ratio, 0, 0);
      drawing.clearRect(0, 0, map.canvas.width, map.canvas.height);
      map.dots = map.dots.filter((dot) => now - dot.starts < TRAVEL_MS);
      for (const dot of map.dots) {
        const at = (now - dot.starts) / TRAVEL_MS;
        if (at < 0) continue;
        const [x, y] = point(dot.arrow.curve, dot.kind === "refused" ? 1 - at : at);
        drawing.fillStyle = map.colours[dot.kind];
        drawing.beginPath();
        drawing.arc(x, y, 3.6, 0, 2 * Math.PI);
        drawing.fill();
      }
      moving ||= map.dots.length > 0;
    }
    frame = moving ? requestAnimationFrame(draw) : null;
  }
})();
