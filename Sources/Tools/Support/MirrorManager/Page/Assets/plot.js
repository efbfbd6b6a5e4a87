// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

// Plots of the last runs: a bar for each run's duration, a line for the size.

import { duration, moment, seconds, sizeValue } from "./format.js";
import { svg } from "./dom.js";

/** The runs of a history, oldest first, with what the plots need. */
export function measured(history) {
  return [...(history ?? [])].reverse().map((run) => {
    const started = seconds(run.started);
    const ended = seconds(run.ended);
    return { ...run, startedAt: started, endedAt: ended, length: ended > 0 ? Math.max(0, ended - started) : 0, sizeCount: sizeValue(run.size) };
  });
}

/** Draws runs into a box; both plots are this one in two sizes. */
function draw(runs, { width, height, slots, gap, dots }) {
  const longest = Math.max(...runs.map((run) => run.length), 1);
  const step = width / slots;
  const left = width - step * runs.length;
  const group = svg("g");
  runs.forEach((run, index) => {
    const tall = Math.max(2, (run.length / longest) * (height - 4));
    const bar = svg("rect", {
      class: `bar ${run.state === "success" ? "ok" : run.state === "failed" ? "bad" : "other"}`,
      x: (left + index * step + gap / 2).toFixed(2), y: (height - tall).toFixed(2),
      width: Math.max(1, step - gap).toFixed(2), height: tall.toFixed(2), rx: Math.min(1.5, step / 6),
    });
    const title = svg("title");
    title.textContent = `${run.state}, ${duration(run.length)}${run.size ? `, ${run.size}` : ""}, ${moment(run.startedAt)}`;
    bar.append(title);
    group.append(bar);
  });
  const sized = runs.map((run, index) => ({ index, value: run.sizeCount })).filter((entry) => entry.value >= 0);
  if (sized.length > 1) {
    const values = sized.map((entry) => entry.value);
    const low = Math.min(...values), high = Math.max(...values);
    // A size that hardly changes is a line in the middle, not noise blown up.
    const span = Math.max(high - low, high * 0.02, 1);
    const middle = (low + high) / 2;
    const points = sized.map(({ index, value }) => [
      left + (index + 0.5) * step, height / 2 - ((value - middle) / span) * (height - 8),
    ]);
    group.append(svg("polyline", { class: "size", points: points.map((pair) => pair.map((n) => n.toFixed(2)).join(",")).join(" ") }));
    if (dots) for (const [x, y] of points) group.append(svg("circle", { class: "size-dot", cx: x.toFixed(2), cy: y.toFixed(2), r: 2 }));
  }
  return group;
}

/** The plot of a table row. */
export function sparkline(history) {
  const runs = measured(history).slice(-16);
  const box = svg("svg", { class: "spark", viewBox: "0 0 112 22", role: "img", "aria-label": summary(runs) });
  if (runs.length > 0) box.append(draw(runs, { width: 112, height: 22, slots: 16, gap: 2, dots: false }));
  return box;
}

/** The plot of the details. */
export function plot(history) {
  const runs = measured(history).slice(-30);
  const box = svg("svg", { class: "plot", viewBox: "0 0 420 96", preserveAspectRatio: "none", role: "img", "aria-label": summary(runs) });
  box.append(svg("path", { class: "grid", d: "M0 95.5H420M0 48H420M0 .5H420" }));
  if (runs.length > 0) box.append(draw(runs, { width: 420, height: 95, slots: Math.max(12, runs.length), gap: 4, dots: true }));
  return box;
}

/** What a plot shows, in words. */
export function summary(runs) {
  if (runs.length === 0) return "No runs yet";
  const failed = runs.filter((run) => run.state === "failed").length;
  const last = runs.at(-1);
  return `Last ${runs.length} runs, ${failed} failed; the last took ${duration(last.length)}${last.size ? ` and has ${last.size}` : ""}`;
}
