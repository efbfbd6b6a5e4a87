// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

// The panel of all workers.

import { age, moment, seconds } from "./format.js";
import { icon, make } from "./dom.js";

export class WorkersPanel {
  /** `handlers`: reload(worker), choose(worker), closed(). */
  constructor(panel, store, handlers) {
    Object.assign(this, { panel, store }, handlers);
    this.isOpen = false;
    store.addEventListener("workers", () => { if (this.isOpen) this.#draw(); });
    store.addEventListener("view", () => { if (this.isOpen) this.#draw(); });
  }

  open() {
    this.isOpen = true;
    this.title = make("h2", { id: "panel-title", tabindex: "-1", text: "Workers" });
    this.body = make("tbody");
    this.panel.replaceChildren(
      make("header", { class: "panel-head" }, this.title,
        make("button", { type: "button", class: "quiet", id: "panel-close", "aria-label": "Close", on: { click: () => this.closed() } }, icon("close"))),
      make("table", { class: "workers" },
        make("thead", {}, make("tr", {}, ...["Worker", "State", "Mirrors", "Running", "Waiting", "Seen", "Version", ""].map((text) =>
          make("th", { scope: "col" }, text || make("span", { class: "hidden", text: "Command" }))))),
        this.body));
    this.lines = new Map();
    this.#draw();
    this.panel.hidden = false;
    this.title.focus();
  }

  close() {
    this.isOpen = false;
    this.panel.hidden = true;
    this.panel.replaceChildren();
  }

  #draw() {
    const totals = new Map();
    for (const row of this.store.rows.values()) {
      const entry = totals.get(row.worker) ?? { all: 0, running: 0 };
      entry.all += 1;
      if (row.status === "syncing" || row.status === "pre-syncing") entry.running += 1;
      totals.set(row.worker, entry);
    }
    const now = Date.now() / 1000;
    const workers = [...this.store.workers.values()].sort((a, b) => a.id.localeCompare(b.id));
    for (const [id, line] of this.lines) {
      if (this.store.workers.has(id)) continue;
      line.element.remove();
      this.lines.delete(id);
    }
    for (const worker of workers) {
      let line = this.lines.get(worker.id);
      if (!line) {
        line = this.#line(worker);
        this.lines.set(worker.id, line);
        this.body.append(line.element);
      }
      const { all = 0, running = 0 } = totals.get(worker.id) ?? {};
      const seen = seconds(worker.last_online);
      const texts = [
        worker.online ? "online" : "offline", String(all), String(running), String(worker.queued ?? "–"), age(seen, now), worker.version || "–",
      ];
      texts.forEach((text, index) => { if (line.cells[index].textContent !== text) line.cells[index].textContent = text; });
      line.cells[0].className = worker.online ? "t-success" : "t-failed";
      line.cells[4].title = moment(seen);
    }
  }

  #line(worker) {
    const cells = Array.from({ length: 6 }, () => make("td"));
    const element = make("tr", {},
      make("th", { scope: "row" }, make("button", {
        type: "button", class: "link", text: worker.id, title: "Show its mirrors only", on: { click: () => this.choose(worker.id) },
      })),
      ...cells,
      make("td", {}, make("button", {
        type: "button", text: "Reload", title: "Read its configuration again", "aria-label": `Reload ${worker.id}`,
        on: { click: () => this.reload(worker.id) },
      })));
    return { element, cells };
  }
}
