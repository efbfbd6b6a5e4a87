// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// How much an account has been worked on: what complexity tests read instead of a clock.
public struct WorkCounters: Hashable, Sendable {
    /// Message records looked at or changed.
    public var slotsTouched = 0
    /// Steps along the dot tables.
    public var probes = 0
    /// Records that had to change their place, by compaction.
    public var recordsMoved = 0

    /// Starts at nothing.
    public init() {}
}

/// What the effectors of a mailbox write besides the mailbox.
struct Tally: Sendable {
    var digest = StateDigest()
    var work = WorkCounters()
}
