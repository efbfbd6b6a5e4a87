// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

// The page: joins the parts.

import { actions } from "./commands.js";
import { api, onUnauthorized } from "./api.js";
import { announce, byId, icon, make, setText, toast } from "./dom.js";
import { Detail } from "./detail.js";
import { confirm, help, signIn } from "./dialogs.js";
import { HistoryCache } from "./history.js";
import { Live } from "./live.js";
import { isRunning, Store } from "./store.js";
import { Table } from "./table.js";
import { WorkersPanel } from "./workers.js";

const store = new Store();
const histories = new HistoryCache(() => table.render());
const panel = byId("panel");

/** What is remembered in this browser; it may refuse. */
const memory = {
  get(key) { try { return localStorage.getItem(key); } catch { return null; } },
  set(key, value) { try { if (value === null) localStorage.removeItem(key); else localStorage.setItem(key, value); } catch { } },
};

// Commands

async function run(action, row) {
  const question = action.question(row);
  if (question && !await confirm(question)) return;
  try {
    const answer = await api.command(action.cmd, row, action.options ?? {});
    toast(`${row.name}: ${action.label.toLowerCase()} – ${answer.message ?? "done"}`);
  } catch (error) {
    toast(`${row.name}: cannot ${action.label.toLowerCase()}. ${error.message}`, "error");
  }
  if (detail.row?.key === row.key) detail.explain();
}

async function reload(worker) {
  try {
    const answer = await api.command("reload", { name: "", worker });
    toast(`${worker}: reload – ${answer.message ?? "done"}`);
  } catch (error) {
    toast(`${worker}: cannot reload. ${error.message}`, "error");
  }
}

// The panel at the side shows one mirror or the workers

function closePanel() {
  const key = detail.row?.key;
  const hadFocus = panel.contains(document.activeElement) || document.activeElement === document.body;
  if (workersPanel.isOpen && hadFocus) byId("workers-button").focus();
  detail.close();
  workersPanel.close();
  byId("workers-button").setAttribute("aria-expanded", "false");
  table.select(null);
  history.replaceState(null, "", location.pathname + location.search);
  // The focus goes back to where it came from.
  if (key && hadFocus && !table.focus(key)) byId("search").focus();
}

function open(row, focuses = true) {
  workersPanel.close();
  byId("workers-button").setAttribute("aria-expanded", "false");
  table.select(row.key);
  detail.open(row, focuses);
  history.replaceState(null, "", `#${encodeURIComponent(row.worker)}/${encodeURIComponent(row.name)}`);
}

function toggleWorkers() {
  if (workersPanel.isOpen) { closePanel(); return; }
  detail.close();
  table.select(null);
  workersPanel.open();
  byId("workers-button").setAttribute("aria-expanded", "true");
}

const detail = new Detail(panel, { run, closed: closePanel, history: (row) => histories.load(row) });
const workersPanel = new WorkersPanel(panel, store, {
  reload, closed: closePanel,
  choose: (id) => { store.setFilter({ worker: id }); byId("worker").value = id; closePanel(); },
});
const table = new Table(store, { table: byId("mirrors"), body: byId("rows"), scroller: byId("scroller"), empty: byId("empty") }, {
  open: (row) => open(row),
  onAction: (row) => run(actions.find((action) => action.id === (isRunning(row) ? "stop" : "start")), row),
  historyOf: (row) => histories.plotOf(row),
  onShown: (rows) => histories.want(rows),
});

/** The mirror that keys act on. */
const current = () => table.focused ?? detail.row;

// Filters

const chipStates = [["", "All"], ["failed", "Failed"], ["running", "Running"], ["success", "Success"], ["paused", "Paused"], ["disabled", "Disabled"], ["none", "New"]];
const chips = new Map(chipStates.map(([state, name]) => {
  const count = make("span", { class: "n" });
  const marks = state && state !== "running" ? icon(state) : state ? icon("syncing") : null;
  const button = make("button", {
    type: "button", class: `chip ${state ? `s-${state === "running" ? "syncing" : state}` : ""}`, "aria-pressed": String(state === ""),
    on: { click: () => store.setFilter({ state: store.filter.state === state ? "" : state }) },
  }, marks, `${name} `, count);
  return [state, { button, count }];
}));
byId("chips").append(...[...chips.values()].map((chip) => chip.button));

let typing = 0;
byId("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => store.setFilter({ text: byId("search").value }), 80);
});
byId("worker").addEventListener("change", () => store.setFilter({ worker: byId("worker").value }));

store.addEventListener("view", () => {
  const total = [...store.counts.values()].reduce((sum, count) => sum + count, 0);
  const of = (state) => state === "" ? total
    : state === "running" ? (store.counts.get("syncing") ?? 0) + (store.counts.get("pre-syncing") ?? 0) : store.counts.get(state) ?? 0;
  for (const [state, { button, count }] of chips) {
    setText(count, of(state).toLocaleString());
    button.setAttribute("aria-pressed", String(store.filter.state === state));
    button.hidden = state !== "" && of(state) === 0 && store.filter.state !== state;
  }
  setText(byId("count"), `${store.visible.length.toLocaleString()} of ${store.rows.size.toLocaleString()} mirrors`);
  const failed = store.counts.get("failed") ?? 0;
  document.title = failed > 0 ? `(${failed}) Mirrors` : "Mirrors";
  setText(byId("empty"), store.rows.size === 0 ? "No worker has reported a mirror yet." : "No mirror fits the filter.");
});

store.addEventListener("workers", () => {
  const ids = [...store.workers.keys()].sort((a, b) => a.localeCompare(b));
  const online = [...store.workers.values()].filter((worker) => worker.online).length;
  setText(byId("workers-button"), `Workers ${online}/${ids.length}`);
  byId("workers-button").classList.toggle("warn", online < ids.length);
  const select = byId("worker");
  const known = [...select.options].slice(1).map((option) => option.value);
  if (known.join("\n") === ids.join("\n")) return;
  select.replaceChildren(select.options[0], ...ids.map((id) => make("option", { value: id, text: id })));
  select.value = store.workers.has(store.filter.worker) ? store.filter.worker : "";
  if (select.value !== store.filter.worker) store.setFilter({ worker: select.value });
});

// Events

let failures = [];
let saying = 0;
/** Failures are said at most every ten seconds, and what the reader sees elsewhere is not said at all. */
function say(row) {
  failures.push(row.name);
  if (saying) return;
  saying = setTimeout(() => {
    announce(failures.length === 1 ? `${failures[0]} failed` : `${failures.length} mirrors failed`);
    failures = [];
    saying = setTimeout(() => { saying = 0; if (failures.length > 0) say({ name: failures.pop() }); }, 10_000);
  }, 500);
}

store.addEventListener("row", ({ row, old }) => {
  if (old && isRunning(old) && !isRunning(row)) {
    histories.forget(row);
    if (detail.row?.key === row.key) detail.loadHistory();
    table.render();
  }
  if (old && old.status !== "failed" && row.status === "failed") say(row);
  if (detail.row?.key === row.key) detail.update(row);
});
store.addEventListener("removed", ({ row }) => {
  if (detail.row?.key !== row.key) return;
  closePanel();
  toast(`${row.name} no longer exists`);
});
store.addEventListener("replaced", () => {
  const shown = detail.row;
  if (shown && store.rows.has(shown.key)) detail.update(store.rows.get(shown.key));
  else if (shown) closePanel();
  else openFromAddress();
});

function openFromAddress() {
  const [worker, name] = location.hash.slice(1).split("/").map((part) => {
    // A broken address opens nothing.
    try { return decodeURIComponent(part); } catch { return ""; }
  });
  const row = name ? store.rows.get(`${worker}/${name}`) : null;
  if (row) open(row, false);
}
addEventListener("hashchange", openFromAddress);

const live = new Live({
  load: async () => {
    const mirrors = await api.mirrors();
    await showSession();
    // Everybody may see the mirrors where reading is open, but the workers need a token.
    const workers = await api.workers().catch((error) => { if (isRefusal(error)) return null; throw error; });
    byId("workers-button").hidden = workers === null;
    store.replaceWorkers(workers);
    store.replace(mirrors ?? []);
    histories.clear();
  },
  event: (kind, document) => {
    if (kind === "mirror") store.update(document);
    else if (kind === "worker") store.updateWorker(document);
    else if (kind === "removed") store.remove(document);
  },
  state: (state, delay) => {
    const pill = byId("connection");
    if (state === "connecting" && pill.dataset.state === "lost") return;
    pill.dataset.state = state;
    setText(byId("connection-text"), { connecting: "Connecting", live: "Live", lost: "Connection lost" }[state]);
    const banner = byId("banner");
    banner.hidden = state !== "lost";
    document.body.classList.toggle("stale", state === "lost");
    if (state === "lost" && !banner.firstChild) {
      banner.append(
        make("span", { text: "The connection to the manager is lost; what you see may be old. Trying again by itself." }),
        make("button", { type: "button", text: "Try now", on: { click: () => live.now() } }));
    } else if (state === "live") banner.replaceChildren();
  },
});

// Session

onUnauthorized(async (status, reason) => {
  const text = status === 403 ? `Your token does not allow this: ${reason}` : "This manager asks for a token.";
  const isIn = await signIn(text);
  // The events come with what the session may see from now on.
  if (isIn) { live.stop(); live.start(); }
  return isIn;
});

const isRefusal = (error) => error.status === 401 || error.status === 403;
let session = { name: "anonymous", role: "" };

async function showSession() {
  session = await api.session();
  const isIn = session.name !== "anonymous";
  const button = byId("session-button");
  setText(button, isIn ? "Sign out" : "Sign in");
  button.title = isIn ? `${session.name}, who may ${session.role}` : "";
  // Where everybody may do everything there is nothing to sign in for.
  button.hidden = !isIn && session.role === "admin";
}

byId("session-button").addEventListener("click", async () => {
  if (session.name !== "anonymous") {
    try { await api.signOut(); } catch (error) { toast(`Cannot sign out. ${error.message}`, "error"); return; }
    location.reload();
  } else if (await signIn("With a token of this manager you can do what its role allows.")) {
    live.stop();
    live.start();
  }
});

// Theme

const themes = ["system", "light", "dark"];
function showTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = theme;
  setText(byId("theme-text"), theme[0].toUpperCase() + theme.slice(1));
  byId("theme-button").setAttribute("aria-label", `Theme: ${theme}`);
}
function nextTheme() {
  const theme = themes[(themes.indexOf(document.documentElement.dataset.theme ?? "system") + 1) % themes.length];
  memory.set("theme", theme === "system" ? null : theme);
  showTheme(theme);
}
byId("theme-button").addEventListener("click", nextTheme);
showTheme(document.documentElement.dataset.theme ?? "system");

// Keys

const keys = [
  [["↓", "↑"], "Next and previous mirror (also j and k)"], [["Home", "End"], "First and last mirror"],
  [["Enter"], "Open the mirror"], [["→"], "From a mirror to its button"], [["Esc"], "Close the panel or clear the search"],
  [["/"], "Search"], [["1", "…", "7"], "Show one state only, or all"],
  ...actions.map((action) => [[action.key], `${action.label}: ${action.hint.toLowerCase()}`]),
  [["l"], "Go to the log"], [["w"], "Workers"], [["t"], "Theme"], [["?"], "This help"],
];
const showHelp = () => { byId("keys-on").checked = memory.get("keys") !== "off"; help(keys); };
byId("help-button").addEventListener("click", showHelp);
byId("keys-on").addEventListener("change", (event) => memory.set("keys", event.target.checked ? null : "off"));
byId("workers-button").addEventListener("click", toggleWorkers);

const shortcuts = {
  "/": () => byId("search").select(),
  "?": showHelp,
  j: () => table.move(1),
  k: () => table.move(-1),
  t: nextTheme,
  w: toggleWorkers,
  l: () => {
    const row = current();
    if (!row) return;
    open(row, false);
    const log = panel.querySelector(".log");
    log.scrollIntoView({ block: "nearest" });
    log.focus();
  },
};
chipStates.forEach(([state], index) => { shortcuts[String(index + 1)] = () => store.setFilter({ state }); });
for (const action of actions) {
  shortcuts[action.key] = () => { const row = current(); if (row && action.fits(row)) run(action, row); };
}

addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
  // An open dialog has its own keys.
  if (document.querySelector("dialog[open]")) return;
  const field = event.target.closest?.("input, select, textarea");
  if (event.key === "Escape") {
    if (field === byId("search") && field.value) { field.value = ""; store.setFilter({ text: "" }); event.preventDefault(); }
    else if (!panel.hidden) { event.preventDefault(); closePanel(); }
    return;
  }
  if (field && field.type !== "checkbox") {
    if (field === byId("search") && (event.key === "ArrowDown" || event.key === "Enter")) { event.preventDefault(); table.move(0); }
    return;
  }
  if (memory.get("keys") === "off" && event.key !== "?") return;
  const action = shortcuts[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

setInterval(() => detail.tick(), 1000);
addEventListener("pagehide", () => live.stop());
addEventListener("pageshow", (event) => { if (event.persisted) live.start(); });
live.start();
