// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Keeps a log readable when something happens again and again: lets a few lines of one kind through, then one in a while that says how many were left out.
struct LogThrottle {
    /// The lines of one kind that pass before it is throttled.
    static let burst = 5
    /// The time for which a kind is throttled after a line, in milliseconds.
    static let pauseMilliseconds: UInt64 = 30_000
    /// The kinds that are told apart.
    static let maximumKinds = 512

    private struct Kind {
        var lines = 0
        var suppressed = 0
        var last: UInt64
    }

    private var kinds: [String: Kind] = [:]

    /// Asks whether a line may pass.
    ///
    /// - Parameters:
    ///   - kind: what it is about: everything that makes a line worth reading beside others.
    ///   - now: milliseconds of a clock that never goes back.
    /// - Returns: how many lines of the kind were left out before this one; `nil` if this one is left out too.
    mutating func pass(_ kind: String, now: UInt64) -> Int? {
        if kinds[kind] == nil, kinds.count >= Self.maximumKinds { kinds = kinds.filter { !isOver($0.value, now) } }
        guard kinds[kind] != nil || kinds.count < Self.maximumKinds else { return nil }
        var entry = kinds[kind] ?? Kind(last: now)
        defer { kinds[kind] = entry }
        if isOver(entry, now) { entry.lines = 0 }
        guard entry.lines < Self.burst else {
            entry.suppressed += 1
            return nil
        }
        entry.lines += 1
        entry.last = now
        defer { entry.suppressed = 0 }
        return entry.suppressed
    }

    private func isOver(_ kind: Kind, _ now: UInt64) -> Bool { now >= kind.last + Self.pauseMilliseconds }
}
