// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

// What the page knows: the rows of all mirrors, and which of them are shown in which order.

import { seconds, sizeValue } from "./format.js";

/** The states in the order in which they need attention, with their names for people. */
export const states = new Map([
  ["failed", "Failed"], ["syncing", "Syncing"], ["pre-syncing", "Preparing"], ["paused", "Paused"],
  ["none", "New"], ["success", "Success"], ["disabled", "Disabled"],
]);

const rank = new Map([...states.keys()].map((state, index) => [state, index]));
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

export const isRunning = (row) => row.status === "syncing" || row.status === "pre-syncing";
export const stateName = (row) => states.get(row.status) ?? row.status;
export const keyOf = (row) => `${row.worker}/${row.name}`;

/** Everything of a row that the page computes once. */
function prepared(raw) {
  return {
    ...raw,
    key: keyOf(raw),
    updated: raw.last_update_ts > 0 ? raw.last_update_ts : 0,
    started: raw.last_started_ts > 0 ? raw.last_started_ts : 0,
    ended: raw.last_ended_ts > 0 ? raw.last_ended_ts : 0,
    next: raw.next_schedule_ts > 0 ? raw.next_schedule_ts : seconds(raw.next_schedule),
    sizeCount: sizeValue(raw.size),
    haystack: [raw.name, raw.worker, raw.upstream, raw.error_msg].join("\n").toLowerCase(),
  };
}

const orders = {
  state: (a, b) => (rank.get(a.status) ?? 9) - (rank.get(b.status) ?? 9),
  name: (a, b) => collator.compare(a.name, b.name),
  worker: (a, b) => collator.compare(a.worker, b.worker),
  age: (a, b) => a.updated - b.updated,
  size: (a, b) => a.sizeCount - b.sizeCount,
  // What has no next run comes last.
  next: (a, b) => (a.next || Infinity) - (b.next || Infinity) || 0,
};

export class Store extends EventTarget {
  rows = new Map();
  workers = new Map();
  filter = { text: "", state: "", worker: "" };
  sort = { column: "state", descending: false };
  /** The rows that are shown, in order. */
  visible = [];
  counts = new Map();
  #scheduled = 0;

  /** Takes the whole list. */
  replace(list) {
    this.rows = new Map(list.map((raw) => { const row = prepared(raw); return [row.key, row]; }));
    this.refresh();
    this.dispatchEvent(new Event("replaced"));
  }

  /** Takes one row of the manager's events. */
  update(raw) {
    const row = prepared(raw);
    const old = this.rows.get(row.key);
    this.rows.set(row.key, row);
    this.dispatchEvent(Object.assign(new Event("row"), { row, old }));
    this.#refreshSoon();
  }

  /** Forgets a mirror that no longer exists. */
  remove(raw) {
    const row = this.rows.get(keyOf(raw));
    if (!row) return;
    this.rows.delete(row.key);
    this.dispatchEvent(Object.assign(new Event("removed"), { row }));
    this.#refreshSoon();
  }

  replaceWorkers(list) {
    this.workers = new Map((list ?? []).map((worker) => [worker.id, worker]));
    this.dispatchEvent(new Event("workers"));
  }

  updateWorker(worker) {
    if (worker.removed) this.workers.delete(worker.id); else this.workers.set(worker.id, worker);
    this.dispatchEvent(new Event("workers"));
  }

  setFilter(change) {
    Object.assign(this.filter, change);
    this.refresh();
  }

  /** Sorts by a column; a second time turns the order around. */
  sortBy(column) {
    const descending = this.sort.column === column ? !this.sort.descending : false;
    this.sort = { column, descending };
    this.refresh();
  }

  /** Computes what is shown. */
  refresh() {
    clearTimeout(this.#scheduled);
    this.#scheduled = 0;
    const words = this.filter.text.toLowerCase().split(/\s+/).filter(Boolean);
    const counts = new Map();
    const visible = [];
    for (const row of this.rows.values()) {
      if (this.filter.worker && row.worker !== this.filter.worker) continue;
      if (!words.every((word) => row.haystack.includes(word))) continue;
      counts.set(row.status, (counts.get(row.status) ?? 0) + 1);
      if (this.filter.state === "running" ? !isRunning(row) : this.filter.state && row.status !== this.filter.state) continue;
      visible.push(row);
    }
    const order = orders[this.sort.column];
    const sign = this.sort.descending ? -1 : 1;
    // Equal rows are ordered by name, then worker, in either direction: rows never jump about.
    visible.sort((a, b) => sign * order(a, b) || orders.name(a, b) || orders.worker(a, b));
    this.visible = visible;
    this.counts = counts;
    this.dispatchEvent(new Event("view"));
  }

  /** Many events at once cost one computation. */
  #refreshSoon() {
    if (this.#scheduled) return;
    // The more rows, the less often.
    this.#scheduled = setTimeout(() => this.refresh(), this.rows.size > 2000 ? 500 : 100);
  }
}
