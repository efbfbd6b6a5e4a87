// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import SyncJobs

/// What a worker says of a mirror, and what the manager keeps of it.
package struct MirrorStatus: WireDocument, Hashable {
    /// The size of a mirror whose size nobody knows.
    package static let unknownSize = "unknown"

    /// The mirror's name.
    package var name: String
    /// The id of its worker.
    package var worker: String
    /// Whether this is the master of the mirror's copies.
    package var isMaster: Bool
    /// Its state.
    package var status: JobState
    /// When it last succeeded.
    package var lastUpdate: WireTime
    /// When its last run began.
    package var lastStarted: WireTime
    /// When its last attempt ended.
    package var lastEnded: WireTime
    /// When it is due next.
    package var nextSchedule: WireTime
    /// Where it comes from.
    package var upstream: String
    /// Its size in the words of whoever measured it; `unknown` when nobody did.
    package var size: String
    /// Why it failed last; empty when it did not.
    package var errorMessage: String

    /// Describes a mirror.
    package init(
        name: String, worker: String, isMaster: Bool = true, status: JobState = .none, lastUpdate: WireTime = .never,
        lastStarted: WireTime = .never, lastEnded: WireTime = .never, nextSchedule: WireTime = .never,
        upstream: String = "", size: String = MirrorStatus.unknownSize, errorMessage: String = ""
    ) {
        self.name = name
        self.worker = worker
        self.isMaster = isMaster
        self.status = status
        self.lastUpdate = lastUpdate
        self.lastStarted = lastStarted
        self.lastEnded = lastEnded
        self.nextSchedule = nextSchedule
        self.upstream = upstream
        self.size = size
        self.errorMessage = errorMessage
    }

    package init(_ fields: JSONFields) throws(WireError) {
        name = try fields.string("name")
        worker = try fields.string("worker")
        isMaster = try fields.bool("is_master")
        status = try fields.jobState("status")
        lastUpdate = try fields.time("last_update")
        lastStarted = try fields.time("last_started")
        lastEnded = try fields.time("last_ended")
        nextSchedule = try fields.time("next_schedule")
        upstream = try fields.string("upstream")
        size = try fields.string("size")
        errorMessage = try fields.string("error_msg")
    }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in writeMembers(to: &writer) }
    }

    /// Writes the members without the braces, for documents that have more.
    package func writeMembers(to writer: inout JSONWriter) {
        writer.name("name")
        writer.string(name)
        writer.name("worker")
        writer.string(worker)
        writer.name("is_master")
        writer.bool(isMaster)
        writer.name("status")
        writer.string(status.rawValue)
        writer.name("last_update")
        writer.time(lastUpdate)
        writer.name("last_started")
        writer.time(lastStarted)
        writer.name("last_ended")
        writer.time(lastEnded)
        writer.name("next_schedule")
        writer.time(nextSchedule)
        writer.name("upstream")
        writer.string(upstream)
        writer.name("size")
        writer.string(size)
        writer.name("error_msg")
        writer.string(errorMessage)
    }

    /// Whether a size says something.
    package static func isKnown(size: String) -> Bool { !size.isEmpty && size != unknownSize }
}

extension JSONFields {
    /// One of the seven states; `none` when it is absent.
    package func jobState(_ name: String) throws(WireError) -> JobState {
        guard value(name) != nil else { return .none }
        let text = try string(name)
        guard let state = JobState(rawValue: text) else {
            let states = JobState.allCases.map(\.rawValue).joined(separator: ", ")
            throw WireError(.unknownValue, "\"\(full(name))\" must be one of \(states)")
        }
        return state
    }
}
