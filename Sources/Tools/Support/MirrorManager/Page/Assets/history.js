// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

// The last runs of the mirrors on the screen, fetched a few at a time and kept.

import { api } from "./api.js";
import { sparkline } from "./plot.js";
import { isRunning } from "./store.js";

/** Browsers have six connections to a host; events and a log take two. */
const parallel = 2;
const kept = 1_000;
const runs = 30;

export class HistoryCache {
  #entries = new Map();
  #wanted = [];
  #fetching = new Set();
  #timer = 0;

  constructor(onLoaded) { this.onLoaded = onLoaded; }

  /** The small plot of a mirror; null until its runs are known. */
  plotOf(row) { return this.#entries.get(row.key)?.plot ?? null; }

  /** Says which mirrors are on the screen. While somebody scrolls nothing is fetched. */
  want(rows) {
    this.#wanted = rows.filter((row) => !this.#fetching.has(row.key) && this.#isNeeded(row));
    clearTimeout(this.#timer);
    if (this.#wanted.length > 0) this.#timer = setTimeout(() => this.#next(), 120);
  }

  /** The runs of a mirror, newest first, fresh. */
  async load(row) {
    const history = await api.history(row, runs, { asks: false }) ?? [];
    this.#keep(row, history);
    return history;
  }

  forget(row) { this.#entries.delete(row.key); }

  clear() { this.#entries.clear(); }

  #keep(row, history) {
    if (this.#entries.size >= kept) this.#entries.delete(this.#entries.keys().next().value);
    const old = this.#entries.get(row.key);
    const newest = Math.max(0, ...history.map((run) => run.run ?? 0));
    this.#entries.set(row.key, { plot: sparkline(history), newest, at: Date.now(), tries: old && old.newest === newest ? old.tries + 1 : 0 });
    this.onLoaded();
  }

  /** A run's state comes before the record of the run: a history without it is asked for again, some times. */
  #isNeeded(row) {
    const entry = this.#entries.get(row.key);
    if (!entry) return true;
    return !isRunning(row) && row.run > entry.newest && entry.tries < 5 && Date.now() - entry.at > 1_500;
  }

  #next() {
    while (this.#fetching.size < parallel && this.#wanted.length > 0) {
      const row = this.#wanted.shift();
      if (this.#fetching.has(row.key) || !this.#isNeeded(row)) continue;
      this.#fetching.add(row.key);
      // A plot that cannot be had leaves its place empty; the details say why.
      this.load(row).catch(() => { this.#entries.set(row.key, { plot: null, newest: Infinity }); }).finally(() => {
        this.#fetching.delete(row.key);
        this.#next();
      });
    }
  }
}
