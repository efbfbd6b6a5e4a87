// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

// The panel of one mirror: commands, progress, why it waits, its last runs, its logs.

import { actions } from "./commands.js";
import { api } from "./api.js";
import { age, bytes, duration, moment, seconds, until, whole } from "./format.js";
import { icon, make, setText } from "./dom.js";
import { LogView } from "./log.js";
import { measured, plot, summary } from "./plot.js";
import { isRunning, stateName, states } from "./store.js";
import { progressText, setProgress } from "./table.js";

export class Detail {
  /** `handlers`: run(action, row), close(), history(row) → promise of runs. */
  constructor(panel, handlers) {
    Object.assign(this, { panel }, handlers);
    this.row = null;
    this.controller = null;
  }

  get isOpen() { return this.row !== null; }

  /** Shows a mirror. */
  open(row, focuses) {
    if (this.row?.key !== row.key) {
      this.#leave();
      this.row = row;
      this.controller = new AbortController();
      this.#build();
      this.#update();
      this.loadHistory();
      this.explain();
      this.#loadLogs();
      this.panel.hidden = false;
      this.panel.scrollTop = 0;
    }
    if (focuses) this.title.focus();
  }

  #leave() {
    this.controller?.abort();
    this.log?.close();
    this.row = null;
    clearTimeout(this.explaining);
  }

  close() {
    this.#leave();
    this.panel.hidden = true;
    this.panel.replaceChildren();
  }

  /** Takes a newer version of the row. */
  update(row) {
    const old = this.row;
    this.row = row;
    this.#update();
    const changed = old.status !== row.status || old.next !== row.next || old.worker_online !== row.worker_online;
    if (changed) {
      clearTimeout(this.explaining);
      this.explaining = setTimeout(() => this.explain(), 300);
    }
    // A run has begun or ended: there is another log, or another size of it.
    if (old.status !== row.status || old.run !== row.run) this.#loadLogs();
  }

  tick() { if (this.row) this.#updateTimes(); }

  #build() {
    this.title = make("h2", { id: "panel-title", tabindex: "-1" });
    this.badge = make("span", { class: "badge" });
    this.workerText = make("span", { class: "muted" });
    this.buttons = new Map(actions.map((action) => [action.id, make("button", {
      type: "button", class: action.danger ? "danger-quiet" : action.id === "start" ? "primary" : "", text: action.label,
      title: action.hint, data: { action: action.id },
      on: { click: () => { if (action.fits(this.row)) this.run(action, this.row); } },
    })]));
    this.progress = make("progress", { max: "100" });
    this.progressLine = make("p", { class: "progress-line" });
    this.progressBox = make("div", { class: "progress-box" }, this.progress, this.progressLine);
    this.errorText = make("p", { class: "error-text" });
    this.whyText = make("p", { id: "why" });
    this.whyMore = make("p", { class: "muted" });
    this.facts = make("dl", { class: "facts" });
    this.plotBox = make("div", { class: "plot-box" });
    this.runsBody = make("tbody");
    this.logSelect = make("select", { id: "log-select", on: { change: () => this.#openLog() } });
    this.followBox = make("input", { type: "checkbox", id: "log-follow", on: { change: () => this.#setFollow() } });
    this.followBox.checked = true;
    this.log = new LogView((error) => this.#logEnded(error));
    this.logState = make("span", { class: "muted", id: "log-state" });
    this.startButton = make("button", {
      type: "button", class: "quiet", text: "From the beginning", hidden: true, on: { click: () => this.#openLog({ fromStart: true }) },
    });
    this.panel.replaceChildren(
      make("header", { class: "panel-head" },
        make("div", { class: "panel-title" }, this.title, make("p", {}, this.badge, " ", this.workerText)),
        make("button", { type: "button", class: "quiet", id: "panel-close", "aria-label": "Close", on: { click: () => this.closed() } }, icon("close"))),
      make("div", { class: "actions", role: "group", "aria-label": "Commands" }, ...this.buttons.values()),
      this.progressBox,
      this.errorText,
      make("section", { "aria-labelledby": "why-title" }, make("h3", { id: "why-title", text: "Why" }), this.whyText, this.whyMore),
      make("section", { "aria-labelledby": "facts-title" }, make("h3", { id: "facts-title", text: "Facts" }), this.facts),
      make("section", { "aria-labelledby": "runs-title" },
        make("h3", { id: "runs-title", text: "Last runs" }), this.plotBox,
        make("details", {}, make("summary", { text: "As a table" }),
          make("div", { class: "runs-scroller", tabindex: "0", role: "region", "aria-label": "Table of the last runs" },
            make("table", { class: "runs" },
              make("thead", {}, make("tr", {}, ...["Run", "Started", "State", "Took", "Tries", "Size", "Read", "Message"].map((text) => make("th", { scope: "col", text })))),
              this.runsBody)))),
      make("section", { class: "log-section", "aria-labelledby": "log-title" },
        make("h3", { id: "log-title", text: "Log" }),
        make("div", { class: "log-bar" },
          make("label", { class: "hidden", for: "log-select", text: "Log of run" }), this.logSelect,
          make("label", { class: "check" }, this.followBox, " Follow"), this.startButton, this.logState),
        this.log.element));
  }

  #update() {
    const row = this.row;
    setText(this.title, row.name);
    const state = states.has(row.status) ? row.status : "none";
    this.badge.className = `badge s-${state}`;
    this.badge.replaceChildren(icon(state), make("span", { class: "label", text: stateName(row) }));
    setText(this.workerText, `on ${row.worker}${row.worker_online === false ? ", which is not connected" : ""}`);
    for (const action of actions) {
      this.buttons.get(action.id).setAttribute("aria-disabled", String(!action.fits(row)));
    }
    this.progressBox.hidden = !isRunning(row);
    if (isRunning(row)) {
      setProgress(this.progress, row);
      const { bytes: read, total_bytes: total, files } = row.progress ?? {};
      setText(this.progressLine, [
        progressText(row),
        Number.isFinite(read) ? `${bytes(read)}${Number.isFinite(total) && total > 0 ? ` of ${bytes(total)}` : ""}` : "",
        Number.isFinite(files) && files > 0 ? `${whole(files)} files` : "",
        row.attempt > 1 ? `attempt ${row.attempt}` : "",
      ].filter(Boolean).join(" · ") || "No progress is known yet");
    }
    this.errorText.hidden = !row.error_msg || row.status === "success";
    setText(this.errorText, row.error_msg ?? "");
    this.#updateTimes();
  }

  #updateTimes() {
    const row = this.row;
    const now = Math.floor(Date.now() / 1000);
    const time = (at, text) => at > 0 ? `${text} (${moment(at)})` : text;
    const facts = [
      ["Upstream", row.upstream || "–"],
      ["Size", row.size || "unknown"],
      ["Last success", time(row.updated, age(row.updated, now))],
      ["Last start", time(row.started, age(row.started, now))],
      ["Last end", time(row.ended, age(row.ended, now))],
      ["Next run", isRunning(row) ? "running" : time(row.next, until(row.next, now))],
      ["Role", row.is_master ? "master" : "slave"],
    ];
    if (isRunning(row) && row.started > 0) facts.splice(3, 0, ["Running for", duration(now - row.started)]);
    if (row.run) facts.push(["Run", String(row.run)]);
    if (row.failure) facts.push(["Kind of failure", row.failure]);
    const names = facts.map(([name]) => name).join();
    if (this.factNames !== names || !this.facts.firstChild) {
      this.factNames = names;
      this.facts.replaceChildren(...facts.flatMap(([name]) => [make("dt", { text: name }), make("dd")]));
    }
    const values = this.facts.querySelectorAll("dd");
    facts.forEach(([, text], index) => setText(values[index], text));
  }

  /** Asks the worker why the mirror is in the state it is in. */
  async explain() {
    const { row, controller } = this;
    if (!row) return;
    try {
      const answer = await api.explain(row, { signal: controller.signal, asks: false });
      if (this.controller !== controller) return;
      setText(this.whyText, answer.text || answer.reason || "");
      const since = seconds(answer.since), end = seconds(answer.until);
      setText(this.whyMore, [
        answer.by ? `by ${answer.by}` : "", since > 0 ? `since ${moment(since)}` : "", end > 0 ? `until ${moment(end)}` : "",
      ].filter(Boolean).join(", "));
    } catch (error) {
      if (controller.signal.aborted) return;
      setText(this.whyText, error.message);
      setText(this.whyMore, "");
    }
  }

  /** Loads the last runs; a run's state comes before its record, which is then waited for. */
  async loadHistory(delays = [400, 1_500, 4_000, 10_000]) {
    const { row, controller } = this;
    let history = [];
    try {
      history = await this.history(row);
    } catch (error) {
      if (!controller.signal.aborted) setText(this.plotBox, error.message);
      return;
    }
    if (this.controller !== controller) return;
    const isComplete = isRunning(row) || !(row.run > 0) || history.some((run) => run.run >= row.run);
    if (!isComplete && delays.length > 0) {
      setTimeout(() => { if (this.controller === controller) this.loadHistory(delays.slice(1)); }, delays[0]);
    }
    const runs = measured(history);
    if (runs.length === 0) { setText(this.plotBox, "No run has ended yet."); this.runsBody.replaceChildren(); return; }
    this.plotBox.replaceChildren(
      plot(history),
      make("p", { class: "legend muted" }, make("span", { class: "key-bar" }), " duration ", make("span", { class: "key-line" }), " size · ", summary(runs)));
    this.runsBody.replaceChildren(...runs.reverse().slice(0, 50).map((run) => make("tr", {},
      make("td", { text: String(run.run) }), make("td", { text: moment(run.startedAt) }),
      make("td", { class: `t-${run.state}`, text: states.get(run.state) ?? run.state }), make("td", { text: duration(run.length) }),
      make("td", { text: String(run.attempts ?? "") }), make("td", { text: run.size || "–" }),
      make("td", { text: run.bytes > 0 ? bytes(run.bytes) : "–" }), make("td", { text: run.message ?? "" }))));
  }

  async #loadLogs() {
    const { row, controller } = this;
    let logs;
    try {
      logs = await api.logs(row, { signal: controller.signal, asks: false });
    } catch (error) {
      if (controller.signal.aborted) return;
      setText(this.logState, error.message);
      return;
    }
    if (this.controller !== controller) return;
    const chosen = this.logSelect.value;
    const wasNewest = !this.logs?.length || chosen === this.logs[0].id;
    this.logs = [...(logs ?? [])].sort((a, b) => seconds(b.started) - seconds(a.started) || (b.run ?? 0) - (a.run ?? 0));
    this.logSelect.replaceChildren(...this.logs.map((log) => make("option", {
      value: log.id, text: `${log.run ? `run ${log.run}, ` : ""}${moment(seconds(log.started))}${log.failed ? ", failed" : ""}, ${bytes(log.bytes)}`,
    })));
    this.logSelect.disabled = this.logs.length === 0;
    if (this.logs.length === 0) { setText(this.logState, "No logs yet"); return; }
    // Who looks at the newest log and follows wants the log of the new run.
    const goesOn = this.followBox.checked && wasNewest;
    const wanted = goesOn || !this.logs.some((log) => log.id === chosen) ? this.logs[0].id : chosen;
    this.logSelect.value = wanted;
    // A stream that is open shows its log already; a log that ended may have been renamed.
    if (this.shownLog === wanted && (this.log.isOpen || this.followedToEnd)) return;
    if (this.shownLog === wanted && !isRunning(row)) return;
    this.#openLog();
  }

  #openLog(options = {}) {
    const log = this.logs?.find((candidate) => candidate.id === this.logSelect.value);
    if (!log) return;
    this.shownLog = log.id;
    this.followedToEnd = false;
    this.log.follows = this.followBox.checked;
    setText(this.logState, this.followBox.checked ? "Following" : "Reading");
    this.log.open(this.row, log, { ...options, follow: this.followBox.checked });
    this.startButton.hidden = !(this.log.skipped > 0);
  }

  #setFollow() {
    this.log.follows = this.followBox.checked;
    if (this.followBox.checked) this.#openLog();
    else if (this.log.isOpen) { this.log.close(); setText(this.logState, "Stopped following"); }
  }

  #logEnded(error) {
    this.followedToEnd = !error && this.followBox.checked;
    setText(this.logState, error ? error.message : "Complete");
  }
}
