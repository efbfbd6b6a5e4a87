// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What bounds a worker's queues, waits and messages.
package struct WorkerLimits: Hashable, Sendable {
    /// How many untold events are kept; over it, those of one mirror collapse to the last: 20,000.
    package var maximumPendingEvents = 20_000
    /// How many untold ends of runs stay when events collapse: 5,000.
    package var maximumPendingRuns = 5_000
    /// How many events one message to a manager has: 500.
    package var eventsPerMessage = 500
    /// How long a manager may take to answer: 5 s, as tunasync's clients wait.
    package var requestTimeout: Duration = .seconds(5)
    /// The first and the longest wait before a manager is tried again: 0.5 s and 30 s.
    package var firstRetry: Duration = .milliseconds(500)
    package var longestRetry: Duration = .seconds(30)
    /// How often a legacy manager that answers with an error is given the same message before it is left out: 5.
    package var attemptsPerMessage = 5
    /// How long the start waits for a manager that knows how the mirrors stood, when the worker itself does not know: 10 s.
    package var historyPatience: Duration = .seconds(10)
    /// How often a worker tells that it lives: 10 s.
    package var heartbeatInterval: Duration = .seconds(10)
    /// How long after a heartbeat the next one comes at the earliest, for progress: 1 s.
    package var heartbeatPause: Duration = .seconds(1)
    /// How long after the wish to stop the last reports may be told: 4.2 s, so that the worker ends within 5 s.
    package var stopPatience: Duration = .milliseconds(4_200)
    /// How long they may take at least after the last run has ended: 0.3 s, the rest after the next start.
    package var flushPatience: Duration = .milliseconds(300)
    /// How long hooks that clean up may take when the worker stops: 2.5 s.
    package var cleanUpMilliseconds: Int64 = 2_500
    /// The largest answer of a manager: 64 MiB.
    package var maximumAnswerBytes = 64 << 20
    /// The most connections to the worker at once: 1,024.
    package var maximumConnections = 1_024
    /// The largest command: 1 MiB.
    package var maximumCommandBytes = 1 << 20
    /// The longest time without a look at the clock, which somebody may set: 60 s.
    package var longestSleep: Duration = .seconds(60)

    /// The documented defaults.
    package init() {}
}
