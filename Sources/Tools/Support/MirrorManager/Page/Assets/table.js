// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

// The table of mirrors. Only the rows on the screen (and some around them) are elements, so 10,000 mirrors cost what 50 cost.

import { age, bytes, duration, moment, until } from "./format.js";
import { icon, make, setText } from "./dom.js";
import { isRunning, stateName, states } from "./store.js";

const around = 8;

/** One row's elements; a row shows one mirror after another while the table is scrolled. */
class RowView {
  constructor(table) {
    this.badge = make("span", { class: "badge" });
    this.name = make("button", { type: "button", class: "name", tabindex: "-1" });
    this.sub = make("span", { class: "sub" });
    this.workerCell = make("td", { class: "c-worker" });
    this.age = make("time");
    this.sizeCell = make("td", { class: "c-size" });
    this.next = make("time");
    this.runsCell = make("td", { class: "c-runs" });
    this.nowCell = make("td", { class: "c-now" });
    this.action = make("button", { type: "button", class: "quiet act", tabindex: "-1" });
    this.element = make("tr", {},
      make("td", { class: "c-state" }, this.badge),
      make("th", { scope: "row", class: "c-name" }, this.name, this.sub),
      this.workerCell,
      make("td", { class: "c-age" }, this.age), this.sizeCell, make("td", { class: "c-next" }, this.next),
      this.runsCell, this.nowCell, make("td", { class: "c-act" }, this.action));
    this.element.addEventListener("click", (event) => {
      if (event.target.closest(".act")) table.onAction(this.row);
      else table.open(this.row);
    });
  }

  show(row, index, table, now) {
    const isOther = this.row?.key !== row.key;
    if (this.index !== index) {
      this.index = index;
      this.element.setAttribute("aria-rowindex", String(index + 2));
    }
    this.element.classList.toggle("selected", table.selected === row.key);
    this.name.tabIndex = table.active === row.key ? 0 : -1;
    if (table.selected === row.key) this.name.setAttribute("aria-current", "true"); else this.name.removeAttribute("aria-current");
    if (this.row !== row) this.#fill(row, isOther);
    this.#tick(row, now);
    const history = table.historyOf(row);
    if (this.history !== history || isOther) {
      this.history = history;
      this.runsCell.replaceChildren(...(history ? [history] : []));
    }
    this.row = row;
  }

  #fill(row, isOther) {
    if (isOther || this.row.status !== row.status) {
      this.badge.className = `badge s-${states.has(row.status) ? row.status : "none"}`;
      this.badge.replaceChildren(icon(states.has(row.status) ? row.status : "none"), make("span", { class: "label", text: stateName(row) }));
      const verb = isRunning(row) ? "Stop" : "Start";
      this.action.setAttribute("aria-label", `${verb} ${row.name}`);
      this.action.title = verb;
      this.action.replaceChildren(icon(verb.toLowerCase()));
    } else if (this.row.name !== row.name) {
      this.action.setAttribute("aria-label", `${this.action.title} ${row.name}`);
    }
    setText(this.name, row.name);
    this.name.title = row.upstream;
    setText(this.workerCell, row.worker);
    this.workerCell.classList.toggle("offline", row.worker_online === false);
    this.workerCell.title = row.worker_online === false ? "This worker is not connected" : "";
    setText(this.sizeCell, row.size && row.size !== "unknown" ? row.size : "–");
    this.#fillNow(row);
  }

  #fillNow(row) {
    const cell = this.nowCell;
    cell.className = "c-now";
    if (isRunning(row) && row.progress) {
      if (!this.progress || this.progress.parentElement?.parentElement !== cell) {
        this.progress = make("progress", { max: "100" });
        this.rate = make("span", { class: "rate" });
        cell.replaceChildren(make("span", { class: "progress" }, this.progress, this.rate));
      }
      setProgress(this.progress, row);
      setText(this.rate, progressText(row));
      return;
    }
    const text = row.status === "failed" || (row.error_msg && row.status !== "success") ? row.error_msg
      : row.worker_online === false ? "Worker is not connected"
      : isRunning(row) && row.attempt > 1 ? `Attempt ${row.attempt}` : "";
    cell.classList.toggle("error", row.status === "failed");
    if (cell.firstElementChild || cell.textContent !== text) cell.textContent = text ?? "";
    cell.title = text ?? "";
  }

  #tick(row, now) {
    if (this.row === row && this.tickedAt === now) return;
    this.tickedAt = now;
    setText(this.age, age(row.updated, now));
    this.age.title = moment(row.updated);
    setText(this.next, isRunning(row) ? "running" : row.status === "paused" || row.status === "disabled" ? "–" : until(row.next, now));
    this.next.title = row.next > 0 ? moment(row.next) : "";
    // Only narrow screens show this line: it says what the hidden columns would.
    const facts = [row.worker, age(row.updated, now), row.size === "unknown" ? "" : row.size].filter(Boolean).join(" · ");
    setText(this.sub, (isRunning(row) && progressText(row)) || (row.status === "failed" && row.error_msg) || facts);
  }
}

/** Shows a row's progress on a progress element; without a percentage it shows that something goes on. */
export function setProgress(element, row) {
  const percent = row.progress?.percent;
  if (Number.isFinite(percent)) element.value = percent; else element.removeAttribute("value");
  element.setAttribute("aria-label", `${row.name}: ${Number.isFinite(percent) ? `${Math.round(percent)} percent` : "running"}`);
}

/** Percent, rate and time left. */
export function progressText(row) {
  const { percent, rate, eta_seconds: left } = row.progress ?? {};
  return [
    Number.isFinite(percent) ? `${Math.round(percent)} %` : "",
    Number.isFinite(rate) && rate > 0 ? `${bytes(rate)}/s` : "",
    Number.isFinite(left) && left > 0 ? `${duration(left)} left` : "",
  ].filter(Boolean).join(" · ");
}

export class Table {
  /** The mirror whose details are open. */
  selected = null;
  /** The mirror that Tab reaches. */
  active = null;
  #views = new Map();
  #spare = [];
  #top = make("tr", { class: "space", "aria-hidden": "true" }, make("td"));
  #bottom = make("tr", { class: "space", "aria-hidden": "true" }, make("td"));
  #frame = 0;

  /** `handlers`: open(row, focuses), onAction(row), historyOf(row), onShown(rows). */
  constructor(store, { table, body, scroller, empty }, handlers) {
    Object.assign(this, { store, table, body, scroller, empty }, handlers);
    body.append(this.#top, this.#bottom);
    scroller.addEventListener("scroll", () => this.render(), { passive: true });
    new ResizeObserver(() => this.render()).observe(scroller);
    store.addEventListener("view", () => this.render());
    table.addEventListener("keydown", (event) => this.#onKey(event));
    scroller.addEventListener("keydown", (event) => { if (event.target === scroller) this.#onKey(event); });
    for (const button of table.querySelectorAll("[data-sort]")) {
      button.addEventListener("click", () => { store.sortBy(button.dataset.sort); this.#showSort(); });
    }
    this.#showSort();
    setInterval(() => this.render(), 5000);
  }

  get rowHeight() { return Number.parseFloat(getComputedStyle(this.table).getPropertyValue("--row")) || 36; }

  /** Draws at the next frame; many calls draw once. */
  render() {
    if (!this.#frame) this.#frame = requestAnimationFrame(() => { this.#frame = 0; this.#draw(); });
  }

  #draw() {
    const rows = this.store.visible;
    const height = this.rowHeight;
    const head = this.table.tHead.offsetHeight;
    const first = Math.max(0, Math.floor((this.scroller.scrollTop - head) / height) - around);
    const last = Math.min(rows.length, Math.ceil((this.scroller.scrollTop + this.scroller.clientHeight) / height) + around);
    if (!this.active || !this.store.rows.has(this.active)) this.active = rows[0]?.key ?? null;
    // A filter may have hidden the row that Tab reaches.
    if (rows.length > 0 && !rows.some((row) => row.key === this.active)) this.active = rows[0].key;

    const shown = rows.slice(first, last);
    const wanted = new Set(shown.map((row) => row.key));
    for (const [key, view] of this.#views) {
      if (wanted.has(key)) continue;
      // The focus must not fall out of the page with the row that has it.
      if (view.element.contains(document.activeElement)) this.scroller.focus({ preventScroll: true });
      view.element.remove();
      this.#views.delete(key);
      if (this.#spare.length < 100) this.#spare.push(view);
    }
    const now = Math.floor(Date.now() / 1000);
    let before = this.#top;
    shown.forEach((row, offset) => {
      let view = this.#views.get(row.key);
      if (!view) {
        view = this.#spare.pop() ?? new RowView(this);
        this.#views.set(row.key, view);
      }
      view.show(row, first + offset, this, now);
      if (before.nextElementSibling !== view.element) before.after(view.element);
      before = view.element;
    });
    this.#top.firstElementChild.style.height = `${first * height}px`;
    this.#bottom.firstElementChild.style.height = `${(rows.length - Math.max(first, last)) * height}px`;
    this.#top.hidden = first === 0;
    this.#bottom.hidden = last >= rows.length;
    this.table.setAttribute("aria-rowcount", String(rows.length + 1));
    this.empty.hidden = rows.length > 0;
    this.onShown(shown);
  }

  #showSort() {
    for (const button of this.table.querySelectorAll("[data-sort]")) {
      const isSorted = button.dataset.sort === this.store.sort.column;
      const header = button.closest("th");
      if (isSorted) header.setAttribute("aria-sort", this.store.sort.descending ? "descending" : "ascending");
      else header.removeAttribute("aria-sort");
    }
  }

  /** Arrow keys move between mirrors, left and right between a mirror's name and its button. */
  #onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest?.("thead")) return;
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.rowHeight) - 2);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in steps) {
      event.preventDefault();
      this.move(steps[event.key]);
    } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      const view = this.#views.get(this.active);
      if (!view) return;
      event.preventDefault();
      (event.key === "ArrowRight" ? view.action : view.name).focus();
    }
  }

  /** Moves the focus by so many mirrors. */
  move(step) {
    const rows = this.store.visible;
    if (rows.length === 0) return;
    const index = rows.findIndex((row) => row.key === this.active);
    const isInside = this.scroller.contains(document.activeElement);
    const target = isInside ? Math.min(rows.length - 1, Math.max(0, index + step)) : Math.max(0, index);
    this.focus(rows[target].key);
  }

  /** Brings a mirror into view and focuses it. */
  focus(key) {
    const index = this.store.visible.findIndex((row) => row.key === key);
    if (index < 0) return false;
    this.active = key;
    const height = this.rowHeight;
    const head = this.table.tHead.offsetHeight;
    const top = index * height;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (top + height + head > this.scroller.scrollTop + this.scroller.clientHeight) {
      this.scroller.scrollTop = top + height + head - this.scroller.clientHeight;
    }
    this.#draw();
    this.#views.get(key)?.name.focus({ preventScroll: true });
    return true;
  }

  /** The mirror that has the focus. */
  get focused() {
    for (const view of this.#views.values()) if (view.element.contains(document.activeElement)) return view.row;
    return null;
  }

  select(key) {
    this.selected = key;
    if (key) this.active = key;
    this.render();
  }
}
