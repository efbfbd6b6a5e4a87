// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A hybrid logical timestamp: 48 bits of milliseconds since 1970 and 16 bits of logical count, in one integer that
/// orders like time.
///
/// Source: Kulkarni et al., "Logical Physical Clocks" (OPODIS 2014).
public struct HybridTimestamp: Hashable, Comparable, Sendable {
    /// Milliseconds since 1970 in the upper 48 bits, the logical count in the lower 16.
    public let rawValue: UInt64

    /// Wraps the packed form.
    ///
    /// - Parameter rawValue: milliseconds and count.
    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Packs a time without a logical count.
    ///
    /// - Parameter milliseconds: milliseconds since 1970, at most 2^48 - 1.
    @inlinable
    public init(milliseconds: UInt64) { rawValue = min(milliseconds, (1 << 48) - 1) << 16 }

    /// Milliseconds since 1970.
    @inlinable public var milliseconds: UInt64 { rawValue >> 16 }

    /// Seconds since 1970, modulo 2^32.
    var seconds: UInt32 { UInt32(truncatingIfNeeded: milliseconds / 1_000) }

    /// Orders by time, then by count.
    @inlinable
    public static func < (left: HybridTimestamp, right: HybridTimestamp) -> Bool { left.rawValue < right.rawValue }
}

/// A hybrid logical clock whose time is an argument: it never falls, and what follows from an event is later than that
/// event.
public struct HybridClock: Sendable {
    /// The latest timestamp given or seen.
    public private(set) var latest: HybridTimestamp

    /// The largest lead of a remote timestamp over the local time that is believed, in milliseconds.
    public let maximumLeadMilliseconds: UInt64

    /// Starts a clock.
    ///
    /// - Parameters:
    ///   - latest: the timestamp that the clock must stay above, from the recovered log.
    ///   - maximumLeadMilliseconds: how far ahead a peer's clock may be; default 5 minutes.
    public init(latest: HybridTimestamp = HybridTimestamp(rawValue: 0), maximumLeadMilliseconds: UInt64 = 300_000) {
        self.latest = latest
        self.maximumLeadMilliseconds = maximumLeadMilliseconds
    }

    /// The timestamp of a local event.
    ///
    /// - Parameter nowMilliseconds: the wall clock, milliseconds since 1970; it may stand still or fall.
    /// - Returns: a timestamp above all that were given or seen.
    public mutating func tick(nowMilliseconds: UInt64) -> HybridTimestamp {
        let physical = HybridTimestamp(milliseconds: nowMilliseconds)
        latest = physical > latest ? physical : HybridTimestamp(rawValue: latest.rawValue &+ 1)
        return latest
    }

    /// Takes note of a peer's timestamp.
    ///
    /// - Parameters:
    ///   - remote: the timestamp.
    ///   - nowMilliseconds: the wall clock, milliseconds since 1970.
    /// - Returns: false, and nothing changes, if the timestamp is further ahead than ``maximumLeadMilliseconds``.
    public mutating func observe(_ remote: HybridTimestamp, nowMilliseconds: UInt64) -> Bool {
        guard accepts(remote, nowMilliseconds: nowMilliseconds) else { return false }
        recover(remote)
        return true
    }

    /// Whether a peer's timestamp is believable.
    ///
    /// - Parameters:
    ///   - remote: the timestamp.
    ///   - nowMilliseconds: the wall clock, milliseconds since 1970.
    /// - Returns: false if the timestamp is further ahead than ``maximumLeadMilliseconds``.
    public func accepts(_ remote: HybridTimestamp, nowMilliseconds: UInt64) -> Bool {
        remote.milliseconds <= nowMilliseconds
            || remote.milliseconds - nowMilliseconds <= maximumLeadMilliseconds
    }

    /// Takes note of a timestamp from the node's own log, which is believed whatever the wall clock says.
    ///
    /// - Parameter timestamp: the timestamp.
    public mutating func recover(_ timestamp: HybridTimestamp) {
        if timestamp > latest { latest = timestamp }
    }
}
