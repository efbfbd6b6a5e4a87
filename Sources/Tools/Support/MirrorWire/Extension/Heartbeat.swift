// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import SyncJobs

/// What a worker says every few seconds: that it lives, and how far its runs are.
package struct Heartbeat: WireDocument, Hashable {
    /// A run that is going on.
    package struct Running: WireDocument, Hashable {
        /// The mirror.
        package var name: String
        /// The run's number.
        package var run: UInt64
        /// Its state.
        package var state: JobState
        /// The attempt, from 1.
        package var attempt: UInt64
        /// When the run began.
        package var started: WireTime
        /// How far it is; nothing when that is not known.
        package var progress: RunProgress?

        /// Describes a run.
        package init(
            name: String, run: UInt64, state: JobState, attempt: UInt64, started: WireTime, progress: RunProgress? = nil
        ) {
            self.name = name
            self.run = run
            self.state = state
            self.attempt = attempt
            self.started = started
            self.progress = progress
        }

        package init(_ fields: JSONFields) throws(WireError) {
            name = try fields.string("name")
            run = try fields.count("run") ?? 0
            state = try fields.jobState("state")
            attempt = try fields.count("attempt") ?? 0
            started = try fields.time("started")
            progress = try fields.document("progress")
        }

        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.name("name")
                writer.string(name)
                writer.name("run")
                writer.number(run)
                writer.name("state")
                writer.string(state.rawValue)
                writer.name("attempt")
                writer.number(attempt)
                writer.name("started")
                writer.time(started)
                writer.name("progress")
                if let progress { progress.write(to: &writer) } else { writer.null() }
            }
        }
    }

    /// What tells this process from earlier ones of the worker.
    package var incarnation: String
    /// When this process started.
    package var started: WireTime
    /// The runs that are going on.
    package var running: [Running]
    /// How many jobs are due and wait.
    package var queued: UInt64

    /// Describes a heartbeat.
    package init(incarnation: String, started: WireTime, running: [Running], queued: UInt64) {
        self.incarnation = incarnation
        self.started = started
        self.running = running
        self.queued = queued
    }

    package init(_ fields: JSONFields) throws(WireError) {
        incarnation = try fields.string("incarnation")
        started = try fields.time("started")
        running = try fields.documents("running") ?? []
        queued = try fields.count("queued") ?? 0
    }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.name("incarnation")
            writer.string(incarnation)
            writer.name("started")
            writer.time(started)
            writer.name("running")
            running.write(to: &writer)
            writer.name("queued")
            writer.number(queued)
        }
    }
}

/// The manager's answer to a heartbeat.
package struct HeartbeatAnswer: WireDocument, Hashable {
    /// Whether the manager knows this process of the worker; when it does not, the worker registers and sends everything.
    package var isKnown: Bool

    /// Creates an answer.
    package init(isKnown: Bool) { self.isKnown = isKnown }

    package init(_ fields: JSONFields) throws(WireError) { isKnown = try fields.bool("known") }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.name("known")
            writer.bool(isKnown)
        }
    }
}

extension JSONFields {
    /// A document inside; nothing when it is absent or `null`.
    package func document<Document: WireDocument>(_ name: String) throws(WireError) -> Document? {
        guard let object = try object(name) else { return nil }
        return try Document(object)
    }
}
