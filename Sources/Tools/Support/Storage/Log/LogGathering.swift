// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Decides whether the writer waits a moment after a commit, so that those who were just served share the next one.
///
/// A crowd of sessions comes back one after the other; without a wait the first of them gets a commit for itself and the others wait for two. Whoever
/// appends many units and then waits for something else, as a node does that replicates in frames, does not come, and each wait for it is lost. The
/// two cannot be told apart beforehand, so waits in vain are counted: after a few in a row there are none, and the log only watches whether
/// the units would have come in time. As soon as they do it waits again.
///
/// A value behind the log's lock, which knows no clock.
package struct LogGathering {
    package typealias Instant = ContinuousClock.Instant

    /// What is awaited, with or without a wait.
    private struct Prospect {
        /// With this ticket half of what was missing has come.
        let half: UInt64
        /// With this ticket all of it has.
        let whole: UInt64
        let deadline: Instant
    }

    /// From how many sessions on a commit waits for them to come back.
    package static let crowd = 5
    /// The fastest disk for which a wait is worth it: to fall asleep and wake up again takes a good part of this.
    package static let slowSync = Duration.microseconds(200)
    /// The longest that a commit waits for sessions to come back.
    package static let limit = Duration.milliseconds(4)
    /// How many waits in a row may be in vain before there are no more.
    package static let patience = 3

    /// What a synchronisation takes when nothing disturbs it: the shortest one, which is forgotten by and by.
    private var quickSync: Duration?
    /// Waits that brought less than half of what was missing, since the last that did not.
    private var vain = 0
    /// What the writer waits for, while it does.
    private var awaited: Prospect?
    /// What the log only watches for.
    private var watched: Prospect?

    /// Nothing has been awaited yet.
    package init() {}

    // MARK: Inputs

    /// Begins to wait for more units than there are, or to watch for them.
    ///
    /// - Parameters:
    ///   - units: the units of the commit that has just ended; whoever appended them may soon append again.
    ///   - queued: the units that came meanwhile.
    ///   - next: the next unit's ticket.
    ///   - sync: how long the commit's synchronisation took.
    ///   - now: the time.
    /// - Returns: how long to wait at most, or nil when it is not worth it.
    package mutating func begin(after units: Int, queued: Int, next: UInt64, sync: Duration, now: Instant) -> Duration?
    {
        // No more can be saved than a synchronisation takes. One that took longer because the machine is busy is no reason to wait longer: so are the sessions.
        let quick = min(sync, quickSync.map { $0 + $0 / 8 } ?? sync)
        quickSync = quick
        let sessions = units + queued
        // One straggler in ten is not waited for.
        let missing = sessions - sessions / 10 - queued
        guard sessions >= Self.crowd, missing > 0, quick >= Self.slowSync else { return nil }
        let time = min(quick, Self.limit)
        let prospect = Prospect(
            half: next + UInt64((missing + 1) / 2) - 1, whole: next + UInt64(missing) - 1, deadline: now + time)
        if vain < Self.patience {
            awaited = prospect
            return time
        }
        // What is watched for may still come in time.
        if watched.map({ $0.deadline <= now }) ?? true { watched = prospect }
        return nil
    }

    /// Takes note of a unit.
    ///
    /// - Parameters:
    ///   - ticket: its ticket.
    ///   - now: the time; asked for only when the unit is the one that decides.
    /// - Returns: whether the writer waited for this one; nil when it does not wait.
    package mutating func appended(_ ticket: UInt64, now: @autoclosure () -> Instant) -> Bool? {
        if let watched, ticket >= watched.half {
            if now() <= watched.deadline { vain = Self.patience - 1 }
            self.watched = nil
        }
        return awaited.map { ticket == $0.whole }
    }

    /// Ends the wait.
    ///
    /// - Parameter next: the next unit's ticket.
    package mutating func end(next: UInt64) {
        guard let awaited else { return }
        vain = next > awaited.half ? 0 : vain + 1
        self.awaited = nil
    }

    // MARK: Getters

    /// Says whether there is nothing more to wait for.
    ///
    /// - Parameter next: the next unit's ticket.
    /// - Returns: whether all have come, or none was waited for.
    package func isComplete(next: UInt64) -> Bool { awaited.map { next > $0.whole } ?? true }
}
