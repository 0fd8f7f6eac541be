"use strict";
// The stream of events: reads it, connects again when it is lost, and fills the gap.
(() => {
  const SILENCE_MS = 4000;
  const RETRY_MS = 1000;
  /** Ticks that come closer together than this are the past, which fills a gap at once. */
  const REPLAY_MS = 60;
  /** With 0, the first answer begins with the last ten minutes. */
  let last_id = 0;
  /** After this many ticks at their usual distance, the past has ended, whatever the clocks say. */
  const LIVE_TICKS = 8;
  let last_tick_at = 0;
  let is_replaying = true;
  let live_ticks = 0;

  /** Reads the stream until the page is closed. */
  Live.follow = async () => {
    for (;;) {
      let refused = false;
      try {
        refused = (await read()) === "refused";
      } catch {
        // A lost connection is shown below, whatever its reason was.
      }
      Live.emit("connection", refused ? "refused" : "lost");
      if (refused) return;
      await new Promise((resume) => setTimeout(resume, RETRY_MS));
    }
  };

  async function read() {
    const abort = new AbortController();
    let silence = setTimeout(() => abort.abort(), SILENCE_MS);
    const headers = {
      "x-twofold-token": Live.token,
      "last-event-id": last_id,
      accept: "text/event-stream",
    };
    try {
      const options = { headers, signal: abort.signal, cache: "no-store" };
      const response = await fetch("/api/stream", options);
      if (response.status === 401) return "refused";
      if (!response.ok) throw new Error(`status ${response.status}`);

      is_replaying = true;
      live_ticks = 0;
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return "ended";
        clearTimeout(silence);
        silence = setTimeout(() => abort.abort(), SILENCE_MS);

        const blocks = (rest + value).split("\n\n");
        rest = blocks.pop();
        blocks.forEach(take);
      }
    } finally {
      clearTimeout(silence);
      abort.abort();
    }
  }

  function take(block) {
    let kind = "message";
    let data = "";
    let id = last_id;
    for (const line of block.split("\n")) {
      if (line.startsWith("event:")) kind = line.slice(6).trim();
      else if (line.startsWith("data:")) data += line.slice(5);
      else if (line.startsWith("id:")) id = Number(line.slice(3));
    }
    const is_first = last_id === 0;
    if (!is_first && (kind === "gap" || id > last_id + 1))
      missed(kind === "gap" ? null : id - last_id - 1);
    last_id = id;
    if (!data || kind === "gap") return;

    if (kind === "tick") takeTick(JSON.parse(data));
    else Live.emit(kind, JSON.parse(data));
  }

  /** The past is only recorded. What is now is also drawn. */
  function takeTick(tick) {
    const now = performance.now();
    const since_last = now - last_tick_at;
    last_tick_at = now;
    live_ticks = since_last > REPLAY_MS ? live_ticks + 1 : 0;
    const is_recent = Date.now() - tick.at_ms < 2000;
    if (is_recent || live_ticks >= LIVE_TICKS) is_replaying = false;
    Live.is_past = is_replaying || since_last < REPLAY_MS;
    const dropped = tick.dropped - (Live.tick?.dropped ?? tick.dropped);
    if (dropped > 0) missed(dropped);
    Live.tick = tick;
    Live.emit("connection", "live");
    Live.emit("record", tick);
    if (!Live.is_past) Live.emit("tick", tick);
  }

  /** No dropped event is unmarked: the charts and the log show where events are missing. */
  function missed(count) {
    const text = (language) =>
      Live.inLanguage(language, count === null ? "gap" : "events_missing", count);
    Live.emit("mark", {
      at_ms: Live.tick?.at_ms ?? Date.now(),
      arm: null,
      kind: "gap",
      text: { en: text("en"), ja: text("ja") },
    });
  }
})();
