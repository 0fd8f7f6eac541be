"use strict";
// The stream of events: reads it, connects again when it is lost, and fills the gap.
(() => {
  const SILENCE_MS = 4000;
  const RETRY_MS = 1000;
  let last_id = null;

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
    const headers = { "x-twofold-token": Live.token, accept: "text/event-stream" };
    if (last_id !== null) headers["last-event-id"] = last_id;
    try {
      const options = { headers, signal: abort.signal, cache: "no-store" };
      const response = await fetch("/api/stream", options);
      if (response.status === 401) return "refused";
      if (!response.ok) throw new Error(`status ${response.status}`);

      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return "ended";
        clearTimeout(silence);
        silence = setTimeout(() => abort.abort(), SILENCE_MS);

        const blocks = (rest + value).split("\n\n");
        rest = blocks.pop();
        // Many events at once are the past, after a gap: they are drawn but do not move.
        blocks.forEach((block, n) => take(block, n < blocks.length - 6));
      }
    } finally {
      clearTimeout(silence);
      abort.abort();
    }
  }

  function take(block, is_past) {
    let kind = "message";
    let data = "";
    let id = null;
    for (const line of block.split("\n")) {
      if (line.startsWith("event:")) kind = line.slice(6).trim();
      else if (line.startsWith("data:")) data += line.slice(5);
      else if (line.startsWith("id:")) id = line.slice(3).trim();
    }
    if (id !== null) {
      noteMissing(Number(id));
      last_id = id;
    }
    if (kind === "gap") missed(null);
    if (!data || kind === "gap") return;

    const value = JSON.parse(data);
    if (kind === "tick") {
      value.is_past = is_past;
      if (value.dropped > (Live.tick?.dropped ?? 0)) missed(value.dropped);
      Live.tick = value;
      Live.emit("connection", "live");
    }
    Live.emit(kind, value);
  }

  function noteMissing(id) {
    const expected = Number(last_id) + 1;
    if (last_id !== null && id > expected) missed(id - expected);
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
