// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Until when an origin is not asked for, and how long the next pause would be.
struct OriginPause: Sendable {
    var until: UInt64
    /// The length of the pause after the next refusal; 0 for a pause that does not grow.
    var next: UInt64
    /// The operations that were delivered when it began: any more of them end the growth.
    var counter: UInt64
}

/// When an origin's stream moved last.
struct OriginProgress: Sendable {
    var counter: UInt64
    var at: UInt64
    /// How often it was asked for again in vain since it moved: nothing at all came on its link.
    var restarts = 0
}

/// A peer that did not bring what it says it has of an origin behind a counter.
struct OriginDistrust: Sendable {
    var peer: String
    var counter: UInt64
    var until: UInt64
}

/// What a machine counts for its status.
struct MachineCounts: Sendable {
    var receivedOperations: UInt64 = 0
    var receivedFrames: UInt64 = 0
    var sentFrames: UInt64 = 0
    var logBytesRead: UInt64 = 0
    var divergences: UInt64 = 0
    var repairs: UInt64 = 0
}

/// When the own operations became durable: a few samples, older ones further apart.
struct OwnHistory: Sendable {
    private static let capacity = 128
    private var samples: [(counter: UInt64, at: UInt64)] = []

    /// The own operations up to a counter are durable now.
    mutating func note(_ counter: UInt64, at now: UInt64) {
        guard counter > samples.last?.counter ?? 0 else { return }
        if samples.count == Self.capacity {
            // The last one is kept exact: every second of the others goes.
            samples = samples.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        }
        samples.append((counter, now))
    }

    /// For how long the first operation behind a counter has been durable, in milliseconds, or a little longer.
    func age(after counter: UInt64, at now: UInt64) -> UInt64 {
        guard let first = samples.first(where: { $0.counter > counter }) else { return 0 }
        return now - min(first.at, now)
    }

    /// The former life's counters mean nothing now.
    mutating func reset() { samples = [] }
}
