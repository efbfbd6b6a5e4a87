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

/// What became of changes that did not know of each other: for status reports.
///
/// Replicas that apply the same operations in different orders may count differently; the counts are no part of the state.
public struct ConcurrencyCounters: Hashable, Sendable {
    /// Operations that met the outcome of a concurrent one and changed less, or more, than their origin meant: a flag change of a message that was
    /// expunged meanwhile, or that a DELETE had taken away; a DELETE of a mailbox that somebody used meanwhile; use of a mailbox that was deleted
    /// meanwhile; a name that a later one had replaced already.
    public var conflicts: UInt64 = 0
    /// Messages that got another UID in place of one that did not count any more.
    public var reissues: UInt64 = 0
    /// Operations that opened an epoch of UIDs or handed one over.
    public var epochs: UInt64 = 0
    /// The greatest number of such an epoch; 0 if there was none.
    public var greatestEpoch: UInt32 = 0

    /// Starts at nothing.
    public init() {}
}

/// What the effectors of a mailbox write besides the mailbox.
struct Tally: Sendable {
    var digest = StateDigest()
    var work = WorkCounters()
    var concurrency = ConcurrencyCounters()
    /// What the modification sequences of the operation that is applied have in common.
    var modSeqs = ModSeqStamp()
}
