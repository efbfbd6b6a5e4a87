// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import SyncJobs

/// Something that managers must be told, in this order and exactly once.
struct OutboxEvent: Codable, Hashable, Sendable {
    /// A mirror's public state changed.
    struct Status: Codable, Hashable, Sendable {
        var name: String
        var state: String
        var isMaster: Bool
        var upstream: String
        var size: String
        var message: String
        var run: UInt64?
        var attempt: Int
        var failure: String?
        var isFinal: Bool
    }

    /// A run is over.
    struct Run: Codable, Hashable, Sendable {
        var name: String
        var run: UInt64
        var started: Int64
        var ended: Int64
        var state: String
        var attempts: Int
        var size: String
        var bytes: Int64?
        var message: String
    }

    /// What happened.
    enum Content: Codable, Hashable, Sendable {
        case status(Status)
        /// Due times changed; which they are is asked when this is told.
        case schedules
        /// The configuration no longer has a mirror.
        case removed(name: String)
        case run(Run)
    }

    /// What happened.
    var content: Content
    /// When, in milliseconds since 1970.
    var at: Int64
    /// The base address of the only manager that is to be told; nothing means all.
    var audience: String?

    /// Describes an event.
    init(_ content: Content, at time: JobTime, audience: String? = nil) {
        self.content = content
        self.at = time.milliseconds
        self.audience = audience
    }

    /// The mirror whose state this tells.
    var statusName: String? {
        if case .status(let status) = content { status.name } else { nil }
    }
}

extension OutboxEvent {
    /// Whether this tells every manager a state.
    var isPublicState: Bool { statusName != nil && audience == nil }
}
