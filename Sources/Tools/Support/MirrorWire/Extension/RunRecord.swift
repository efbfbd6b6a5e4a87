// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import SyncJobs

/// A run that is over, as the history of a mirror has it.
package struct RunRecord: WireDocument, Hashable {
    /// The mirror; absent in a history, which is one mirror's.
    package var name: String
    /// The run's number; 0 when a worker of tunasync ran it.
    package var run: UInt64
    /// When it began.
    package var started: WireTime
    /// When it ended.
    package var ended: WireTime
    /// How it ended: `success`, `failed`, or what somebody asked for.
    package var state: JobState
    /// How many attempts it had.
    package var attempts: UInt64
    /// The size after it in words.
    package var size: String
    /// The bytes that it moved, when that is known.
    package var bytes: UInt64?
    /// Why it failed; empty when it did not.
    package var message: String

    /// Describes a run.
    package init(
        name: String, run: UInt64, started: WireTime, ended: WireTime, state: JobState, attempts: UInt64, size: String,
        bytes: UInt64? = nil, message: String = ""
    ) {
        self.name = name
        self.run = run
        self.started = started
        self.ended = ended
        self.state = state
        self.attempts = attempts
        self.size = size
        self.bytes = bytes
        self.message = message
    }

    package init(_ fields: JSONFields) throws(WireError) {
        name = try fields.string("name")
        run = try fields.count("run") ?? 0
        started = try fields.time("started")
        ended = try fields.time("ended")
        state = try fields.jobState("state")
        attempts = try fields.count("attempts") ?? 0
        size = try fields.string("size")
        bytes = try fields.count("bytes")
        message = try fields.string("message")
    }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in writeMembers(to: &writer) }
    }

    /// Writes the members but for the mirror's name.
    package func writeMembers(to writer: inout JSONWriter) {
        writer.name("run")
        writer.number(run)
        writer.name("started")
        writer.time(started)
        writer.name("ended")
        writer.time(ended)
        writer.name("state")
        writer.string(state.rawValue)
        writer.name("attempts")
        writer.number(attempts)
        writer.name("size")
        writer.string(size)
        writer.optional("bytes", bytes)
        writer.name("message")
        writer.string(message)
    }
}
