// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// How processes are ended: kindly first, then by force, and not for ever.
package struct ProcessEnding: Sendable {
    /// The time between SIGTERM and SIGKILL.
    package var grace: Duration
    /// How long to wait after SIGKILL before a process that hangs in the kernel is given up.
    package var patience: Duration
    /// kill(2).
    package var send: @Sendable (Int32, Int32) -> Int32

    /// The wait between two looks at processes that are to end.
    static let pauseMicroseconds: UInt32 = 10_000

    /// Describes how processes are ended.
    ///
    /// - Parameters:
    ///   - grace: the time between SIGTERM and SIGKILL.
    ///   - patience: how long to wait after SIGKILL before a process is given up.
    ///   - send: kill(2).
    package init(
        grace: Duration = .seconds(2), patience: Duration = .seconds(10),
        send: @escaping @Sendable (Int32, Int32) -> Int32 = { kill($0, $1) }
    ) {
        self.grace = grace
        self.patience = patience
        self.send = send
    }

    /// Sends a signal to processes, each only as long as it is the one that was meant.
    func signal(_ number: Int32, _ entries: [ProcessEntry]) {
        for entry in entries where ProcessTable.entry(entry.pid)?.startTicks == entry.startTicks {
            // It may have ended in between; then there is nothing to do.
            _ = send(entry.pid, number)
            if number == SIGTERM { _ = send(entry.pid, SIGCONT) }
        }
    }

    /// Ends processes, kindly until the deadline and then by force.
    ///
    /// - Parameters:
    ///   - deadline: until when they may end by themselves.
    ///   - find: who is left.
    /// - Returns: who could not be ended, which happens only to processes that hang in the kernel.
    func end(until deadline: ContinuousClock.Instant, find: () -> [ProcessEntry]) -> [ProcessEntry] {
        var left = find()
        guard !left.isEmpty else { return [] }
        signal(SIGTERM, left)
        let last = max(deadline, .now) + patience
        while !left.isEmpty, .now < last {
            if ContinuousClock.now >= deadline { signal(SIGKILL, left) }
            usleep(Self.pauseMicroseconds)
            left = find()
        }
        return left
    }
}
