// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import SyncJobs

/// A row of tunasync's `/jobs`: times as text and as seconds, without worker and error.
package struct WebStatus: WireDocument, Hashable {
    /// The mirror's name.
    package var name: String
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
    /// Its size in words.
    package var size: String

    /// What the public sees of a mirror.
    ///
    /// - Parameter status: what the manager keeps of it.
    package init(_ status: MirrorStatus) {
        name = status.name
        isMaster = status.isMaster
        self.status = status.status
        lastUpdate = status.lastUpdate
        lastStarted = status.lastStarted
        lastEnded = status.lastEnded
        nextSchedule = status.nextSchedule
        upstream = status.upstream
        size = status.size
    }

    package init(_ fields: JSONFields) throws(WireError) {
        name = try fields.string("name")
        isMaster = try fields.bool("is_master")
        status = try fields.jobState("status")
        lastUpdate = try fields.webTime("last_update")
        lastStarted = try fields.webTime("last_started")
        lastEnded = try fields.webTime("last_ended")
        nextSchedule = try fields.webTime("next_schedule")
        upstream = try fields.string("upstream")
        size = try fields.string("size")
    }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in writeMembers(to: &writer) }
    }

    /// Writes the members without the braces, for documents that have more.
    package func writeMembers(to writer: inout JSONWriter) {
        writer.name("name")
        writer.string(name)
        writer.name("is_master")
        writer.bool(isMaster)
        writer.name("status")
        writer.string(status.rawValue)
        Self.write("last_update", lastUpdate, to: &writer)
        Self.write("last_started", lastStarted, to: &writer)
        Self.write("last_ended", lastEnded, to: &writer)
        Self.write("next_schedule", nextSchedule, to: &writer)
        writer.name("upstream")
        writer.string(upstream)
        writer.name("size")
        writer.string(size)
    }

    private static func write(_ name: String, _ time: WireTime, to writer: inout JSONWriter) {
        writer.name(name)
        writer.webTime(time)
        writer.name(name + "_ts")
        writer.number(time.seconds)
    }
}

extension JSONFields {
    /// A time as in tunasync's `/jobs`; "never" when it is absent.
    func webTime(_ name: String) throws(WireError) -> WireTime {
        let text = try string(name)
        guard !text.isEmpty else { return .never }
        guard let time = WireTime(webText: text) else {
            throw WireError(.wrongType, "\"\(full(name))\" must be a time such as 2026-11-21 03:54:52 +0000")
        }
        return time
    }
}
