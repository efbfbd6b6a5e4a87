// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

// A log that is read while it grows.

import { api } from "./api.js";
import { make } from "./dom.js";

/** So much of the end of a long log is read at first. */
const tailBytes = 262_144;
/** So many lines stay in the page. */
const keptLines = 5_000;
// What terminals take for colours, and other control characters but tab.
const controls = /\u001b\[[0-9;?]*[ -/]*[@-~]|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;

export class LogView {
  #controller = null;
  #line = "";
  #counts = [];
  #total = 0;

  /** `onEnd(error)` is called when the stream has ended. */
  constructor(onEnd) {
    this.onEnd = onEnd;
    this.last = make("span");
    // Not a live region: it would read every line of rsync. It can be focused and scrolled with the keyboard.
    this.element = make("pre", { class: "log", tabindex: "0", role: "region", "aria-label": "Log" }, this.last);
    this.follows = true;
    this.element.addEventListener("scroll", () => {
      const { scrollTop, scrollHeight, clientHeight } = this.element;
      this.isAtEnd = scrollHeight - scrollTop - clientHeight < 24;
    }, { passive: true });
    this.isAtEnd = true;
  }

  get isOpen() { return this.#controller !== null; }

  /** Reads a log; from its beginning, or only its end. */
  async open(row, log, { fromStart = false, follow = true } = {}) {
    this.close();
    this.#clear();
    const controller = new AbortController();
    this.#controller = controller;
    // The offset counts what is not compressed.
    const offset = fromStart || log.compressed ? 0 : Math.max(0, log.bytes - tailBytes);
    this.skipped = offset;
    let failure = null;
    try {
      const stream = await api.log(row, log.id, { offset, follow, signal: controller.signal });
      const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        this.#append(value);
      }
    } catch (error) {
      if (controller.signal.aborted) return;
      failure = error;
    }
    if (this.#controller !== controller) return;
    this.#controller = null;
    this.onEnd(failure);
  }

  close() {
    this.#controller?.abort();
    this.#controller = null;
  }

  #clear() {
    this.#line = "";
    this.#counts = [];
    this.#total = 0;
    this.last.textContent = "";
    this.element.replaceChildren(this.last);
    this.isAtEnd = true;
  }

  /** Adds text. A carriage return begins the line again, as rsync's progress does. */
  #append(text) {
    const lines = (this.#line + text).split("\n");
    // A return at the very end may be the first half of a line end.
    this.#line = lines.pop();
    const finished = lines.map((line) => clean(line));
    if (finished.length > 0) {
      this.last.before(finished.join("\n") + "\n");
      this.#counts.push(finished.length);
      this.#total += finished.length;
      while (this.#total > keptLines && this.#counts.length > 1) {
        this.#total -= this.#counts.shift();
        this.element.firstChild.remove();
      }
    }
    if (this.#line.length > 65_536) this.#line = this.#line.slice(-65_536);
    this.last.textContent = clean(this.#line);
    if (this.follows && this.isAtEnd) this.element.scrollTop = this.element.scrollHeight;
  }
}

/** What a terminal would show of a line. */
function clean(line) {
  const parts = line.split("\r").filter(Boolean);
  return (parts.at(-1) ?? "").replace(controls, "");
}
