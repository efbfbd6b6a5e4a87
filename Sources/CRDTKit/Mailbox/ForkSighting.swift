// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// When an owner first saw that one of its mailboxes is forked: a merge waits until nothing more can come of the branches.
///
/// Who assigned on the other side goes on until it hears of this one, and a link that is up again brings what it did piece by piece. A merge that settles only a
/// part of it would have to be repeated, with new UIDs for everything, once for each piece.
public struct ForkSighting: Hashable, Sendable {
    /// How long a merge waits at most, in milliseconds.
    public static let patienceMilliseconds: UInt64 = 10_000

    private let delivered: VersionVector
    private let milliseconds: UInt64

    /// Notes a fork.
    ///
    /// - Parameters:
    ///   - delivered: what the replica had delivered when it saw the fork, both sides' epochs among it.
    ///   - milliseconds: the time, by any clock that goes on evenly.
    public init(delivered: VersionVector, milliseconds: UInt64) {
        self.delivered = delivered
        self.milliseconds = milliseconds
    }

    /// Whether the mailbox may be merged.
    ///
    /// - Parameters:
    ///   - exchanged: what every member that can be reached holds, with all that it had issued before being here; see ``GroupProgress/exchanged``.
    ///   - now: the time, by the clock of the sighting.
    /// - Returns: true if the others know of the fork and what they did before is here, or if that takes too long.
    public func allowsMerge(exchanged: VersionVector, milliseconds now: UInt64) -> Bool {
        // A clock that was set back lets the patience begin anew rather than end at once.
        let waited = now >= milliseconds ? now - milliseconds : 0
        return exchanged.covers(delivered) || waited >= ForkSighting.patienceMilliseconds
    }
}
