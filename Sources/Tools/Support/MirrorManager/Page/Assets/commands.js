// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

// What can be done with a mirror, when, and what must be asked before.

import { duration } from "./format.js";
import { isRunning } from "./store.js";

const runsFor = (row) => row.started > 0 ? ` of ${duration(Date.now() / 1000 - row.started)}` : "";
const isOff = (row) => row.status === "paused" || row.status === "disabled";

/**
 * The commands in the order of their buttons. `fits` says whether a mirror can take it now; `question` what to ask first, or null.
 */
export const actions = [
  {
    id: "start", cmd: "start", label: "Start", key: "s", hint: "Run as soon as a slot is free",
    fits: (row) => !isRunning(row), question: () => null,
  },
  {
    id: "force", cmd: "start", options: { force: true }, label: "Force", key: "f", hint: "Run now, past all limits and windows",
    fits: (row) => !isRunning(row),
    question: (row) => ({
      title: `Force ${row.name} to run now?`, action: "Force",
      text: "The run takes no slot: it starts beside all others, past the limits of this worker and its upstream, and outside of time windows.",
    }),
  },
  {
    id: "stop", cmd: "stop", label: "Stop", key: "x", hint: "End the run and pause the mirror", danger: true,
    fits: (row) => !isOff(row),
    question: (row) => isRunning(row) ? {
      title: `Stop ${row.name}?`, action: "Stop",
      text: `Its run${runsFor(row)} ends now, and the mirror stays paused until somebody starts or enables it.`,
    } : null,
  },
  {
    id: "restart", cmd: "restart", label: "Restart", key: "r", hint: "End the run and begin again",
    fits: () => true,
    question: (row) => isRunning(row) ? {
      title: `Restart ${row.name}?`, action: "Restart", text: `Its run${runsFor(row)} ends now and begins again.`,
    } : null,
  },
  {
    id: "enable", cmd: "enable", label: "Enable", key: "e", hint: "Let the mirror run by its schedule again",
    fits: isOff, question: () => null,
  },
  {
    id: "disable", cmd: "disable", label: "Disable", key: "d", hint: "Take the mirror out of the schedule", danger: true,
    fits: (row) => row.status !== "disabled",
    question: (row) => ({
      title: `Disable ${row.name}?`, action: "Disable",
      text: `${isRunning(row) ? `Its run${runsFor(row)} ends now. ` : ""}The mirror is not synced any more until somebody enables it.`,
    }),
  },
];
