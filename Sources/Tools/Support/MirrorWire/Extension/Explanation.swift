// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import SyncJobs

/// Why a job runs or does not run.
package struct ExplanationAnswer: WireDocument, Hashable {
    /// The job's public state.
    package var state: JobState
    /// The reason in one word for programs, such as `running`, `waiting-for-slot`, `due`, `paused`, `worker-offline`.
    package var reason: String
    /// The reason in a sentence for people.
    package var text: String
    /// Since when it holds; "never" when that is not known.
    package var since: WireTime
    /// Until when it holds; "never" when that is not known.
    package var until: WireTime
    /// Who asked for it; empty when nobody did.
    package var by: String

    /// Describes a reason.
    package init(
        state: JobState, reason: String, text: String, since: WireTime = .never, until: WireTime = .never,
        by: String = ""
    ) {
        self.state = state
        self.reason = reason
        self.text = text
        self.since = since
        self.until = until
        self.by = by
    }

    package init(_ fields: JSONFields) throws(WireError) {
        state = try fields.jobState("state")
        reason = try fields.string("reason")
        text = try fields.string("text")
        since = try fields.time("since")
        until = try fields.time("until")
        by = try fields.string("by")
    }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.name("state")
            writer.string(state.rawValue)
            writer.name("reason")
            writer.string(reason)
            writer.name("text")
            writer.string(text)
            writer.name("since")
            writer.time(since)
            writer.name("until")
            writer.time(until)
            writer.name("by")
            writer.string(by)
        }
    }
}

/// A log of a run that a worker still has.
package struct LogEntry: WireDocument, Hashable {
    /// What the log is asked for by.
    package var id: String
    /// The run's number; 0 when that is not known.
    package var run: UInt64
    /// When the run began.
    package var started: WireTime
    /// The log's length in bytes as it is kept.
    package var bytes: UInt64
    /// Whether the run failed.
    package var isFailed: Bool
    /// Whether the log is kept compressed.
    package var isCompressed: Bool

    /// Describes a log.
    package init(id: String, run: UInt64, started: WireTime, bytes: UInt64, isFailed: Bool, isCompressed: Bool) {
        self.id = id
        self.run = run
        self.started = started
        self.bytes = bytes
        self.isFailed = isFailed
        self.isCompressed = isCompressed
    }

    package init(_ fields: JSONFields) throws(WireError) {
        id = try fields.string("id")
        run = try fields.count("run") ?? 0
        started = try fields.time("started")
        bytes = try fields.count("bytes") ?? 0
        isFailed = try fields.bool("failed")
        isCompressed = try fields.bool("compressed")
    }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.name("id")
            writer.string(id)
            writer.name("run")
            writer.number(run)
            writer.name("started")
            writer.time(started)
            writer.name("bytes")
            writer.number(bytes)
            writer.name("failed")
            writer.bool(isFailed)
            writer.name("compressed")
            writer.bool(isCompressed)
        }
    }
}
