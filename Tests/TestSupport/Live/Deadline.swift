// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// The time until which a test waits for an event.
package struct Deadline: Sendable {
    private let end: ContinuousClock.Instant

    /// Starts a wait.
    package init(_ limit: Duration) { end = .now + limit }

    /// Whether the time is over.
    package var isOver: Bool { ContinuousClock.now >= end }

    /// Waits for a descriptor.
    ///
    /// - Parameters:
    ///   - descriptor: the descriptor.
    ///   - events: what to wait for, as poll(2) names it.
    /// - Returns: whether it is ready or broken; false when the time is over.
    func wait(for descriptor: Int32, _ events: Int16) throws -> Bool {
        var entries = [pollfd(fd: descriptor, events: events, revents: 0)]
        return try wait(for: &entries)
    }

    /// Waits for any of several descriptors.
    ///
    /// - Returns: whether one is ready or broken; false when the time is over.
    func wait(for entries: inout [pollfd]) throws -> Bool {
        while true {
            let left = max(.zero, end - .now).components
            let milliseconds =
                min(Int64(Int32.max) / 2_000, left.seconds) * 1_000 + left.attoseconds / 1_000_000_000_000_000
            let ready = poll(&entries, nfds_t(entries.count), Int32(milliseconds))
            if ready > 0 { return true }
            if ready < 0, errno != EINTR { throw LiveFailure.system("poll") }
            if ready == 0, milliseconds == 0 { return false }
        }
    }
}
