"use strict";
// The last ten minutes, one entry per second and side, and the marks. All of it is bounded.
(() => {
  const SECONDS = 600;
  const MARKS = 200;
  const ORDERS = 100;
  const QUANTILES = [
    ["acknowledged", "answered"],
    ["settled", "settling"],
  ];

  Live.history = { A0: [], A3: [] };
  /** `{at_ms, arm, part, kind, text}`, oldest first. */
  Live.marks = [];

  /** The last second that is complete, so that no rate jumps while a second is counted. */
  Live.lastSecond = (arm) => Live.history[arm].at(-2);

  Live.on("record", (tick) => {
    const second = Math.floor(tick.at_ms / 1000);
    for (const arm of Live.arms) {
      if (tick.arms[arm]) add(entry(Live.history[arm], second), tick.arms[arm]);
    }
  });

  Live.on("mark", keep);
  Live.on("problem", (problem) =>
    keep({ kind: "problem", arm: null, at_ms: Live.tick?.at_ms ?? Date.now(), ...problem }),
  );

  Live.on("order", (order) => {
    const known = Live.orders.find((one) => one.id === order.id && one.arm === order.arm);
    if (known) {
      Object.assign(known, order);
    } else {
      Live.orders.unshift(order);
      if (Live.orders.length > ORDERS) forgetOne();
    }
    Live.emit("orders");
  });

  function keep(mark) {
    Live.marks.push(mark);
    if (Live.marks.length > MARKS) Live.marks.shift();
    Live.emit("marks", mark);
  }

  /** An order that was placed by hand is kept longer than one of the load. */
  function forgetOne() {
    const at = Live.orders.findLastIndex((order) => !order.by_hand);
    Live.orders.splice(at < 0 ? Live.orders.length - 1 : at, 1);
  }

  function entry(seconds, second) {
    const last = seconds.at(-1);
    if (last && last.second >= second) return last;
    const fresh = {
      second,
      offered: 0,
      accepted: 0,
      refused: 0,
      settled: 0,
      backlog: 0,
      answered_p50: null,
      answered_p99: null,
      answered_count: 0,
      settling_p50: null,
      settling_p99: null,
      settling_count: 0,
    };
    seconds.push(fresh);
    if (seconds.length > SECONDS) seconds.shift();
    return fresh;
  }

  function add(entry, arm) {
    for (const name of ["offered", "accepted", "refused", "settled"]) {
      entry[name] += arm.orders[name];
    }
    entry.backlog = arm.backlog;
    for (const [from, to] of QUANTILES) {
      const latency = arm.latency_ms[from];
      if (latency?.count) addLatency(entry, to, latency);
    }
  }

  /** A second's p50 is the mean of its quarters', by their counts. Its p99 is their highest. */
  function addLatency(entry, name, { p50, p99, count }) {
    const before = entry[`${name}_count`];
    const sum = (entry[`${name}_p50`] ?? 0) * before + p50 * count;
    entry[`${name}_count`] = before + count;
    entry[`${name}_p50`] = sum / (before + count);
    entry[`${name}_p99`] = Math.max(entry[`${name}_p99`] ?? 0, p99);
  }
})();
