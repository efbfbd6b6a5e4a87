// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

// The manager's events, and whether they come.

import { api, ApiError } from "./api.js";

const firstDelay = 1_000;
const longestDelay = 30_000;
/** After so long without an event the manager is asked whether it is there. */
const quietMilliseconds = 20_000;

export class Live {
  #source = null;
  #delay = firstDelay;
  #timer = 0;
  #heard = 0;
  #isStopped = true;

  /**
   * `handlers`: load() → promise of a full load, event(kind, document), state("connecting" | "live" | "lost", seconds until the next try).
   */
  constructor(handlers) {
    Object.assign(this, handlers);
    setInterval(() => this.#watch(), 5_000);
    addEventListener("offline", () => this.#lost());
    addEventListener("online", () => this.now());
    document.addEventListener("visibilitychange", () => { if (!document.hidden && !this.#isStopped) this.#watch(); });
  }

  start() {
    this.#isStopped = false;
    this.#connect();
  }

  stop() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  /** Tries again without waiting. */
  now() {
    if (this.#isStopped || this.#source?.readyState === EventSource.OPEN) return;
    this.#delay = firstDelay;
    this.#connect();
  }

  #connect() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.state("connecting");
    const source = new EventSource("/api/v1/events");
    this.#source = source;
    const hears = (kind) => source.addEventListener(kind, (event) => {
      this.#heard = Date.now();
      if (kind === "resync") this.#load(source);
      else this.event(kind, JSON.parse(event.data));
    });
    ["mirror", "worker", "removed", "resync"].forEach(hears);
    source.onopen = () => this.#load(source);
    // The browser's own tries differ and give up at an error status: ours go on.
    source.onerror = () => this.#lost();
  }

  /** Events may come while the list is on its way: they are newer or the same. */
  async #load(source) {
    this.#heard = Date.now();
    try {
      await this.load();
      if (this.#source !== source) return;
      this.#delay = firstDelay;
      this.state("live");
    } catch (error) {
      if (this.#source === source) this.#lost(error);
    }
  }

  async #lost(error = null) {
    if (this.#isStopped || !this.#source) return;
    this.#source.close();
    this.#source = null;
    const delay = this.#delay * (0.75 + Math.random() / 2);
    this.#delay = Math.min(longestDelay, this.#delay * 2);
    this.state("lost", delay);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), delay);
    if (!error) {
      // An event stream does not say why it was refused; the list does, and asks for a token.
      try { await this.load(); } catch (failure) { error = failure; }
      if (!error) this.now();
    }
    if (error instanceof ApiError && (error.status === 401 || error.status === 403)) this.stop();
  }

  /** Finds a connection that is dead without having been closed. */
  async #watch() {
    const source = this.#source;
    if (!source || source.readyState !== EventSource.OPEN || Date.now() - this.#heard < quietMilliseconds) return;
    this.#heard = Date.now();
    try { await api.ping(); } catch { if (this.#source === source) this.#lost(); }
  }
}
