// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Glibc
internal import Synchronization

/// The long way between regions: proxies on loopback that deliver every byte late, moved by one thread of this program.
///
/// They do not narrow a link. A new connection costs a round trip before its first byte, as the handshake of TCP would.
final class DelayLine: Sendable {
    private struct Listener {
        let socket: Int32
        let target: Int
    }

    private let listeners = Mutex<[Listener]>([])
    private let moved = Atomic<Int>(0)
    private let isOver = Atomic<Bool>(false)
    private let thread = Mutex<Hand<Void>?>(nil)
    private let oneWay: Double

    /// A way without proxies yet.
    ///
    /// - Parameter oneWayMilliseconds: how long each byte is under way.
    init(oneWayMilliseconds: Double) { oneWay = oneWayMilliseconds * 1e6 }

    /// Adds a proxy; to be called before ``start()``.
    ///
    /// - Parameter target: the port of 127.0.0.1 that it leads to.
    /// - Returns: the port to connect to.
    /// - Throws: `BenchFailure` when there is no free port.
    func proxy(to target: Int) throws -> Int {
        let (socket, port) = try LoopbackSocket.listen()
        _ = fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK)
        listeners.withLock { $0.append(Listener(socket: socket, target: target)) }
        return port
    }

    /// Begins to move bytes.
    func start() { thread.withLock { $0 = Hand { [self] in run() } } }

    /// Closes all connections and proxies.
    func stop() {
        isOver.store(true, ordering: .relaxed)
        // The thread cannot fail.
        _ = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }?.result()
    }

    /// The bytes that were delivered.
    var deliveredBytes: Int { moved.load(ordering: .relaxed) }

    private func run() {
        let listeners = listeners.withLock { $0 }
        var connections: [DelayedConnection] = []
        while !isOver.load(ordering: .relaxed) {
            wait(listeners, connections)
            for listener in listeners {
                while let connection = accept(listener) { connections.append(connection) }
            }
            let now = Stopwatch.nanoseconds(CLOCK_MONOTONIC)
            for connection in connections { moved.wrappingAdd(connection.move(now), ordering: .relaxed) }
            connections.removeAll { connection in
                if connection.isOver { connection.close() }
                return connection.isOver
            }
        }
        for connection in connections { connection.close() }
        for listener in listeners { close(listener.socket) }
    }

    private func accept(_ listener: Listener) -> DelayedConnection? {
        let client = Glibc.accept(listener.socket, nil, nil)
        guard client >= 0 else { return nil }
        // Nobody behind the proxy: the one in front sees the end of its connection.
        guard let target = try? LoopbackSocket.connect(port: listener.target) else {
            close(client)
            return nil
        }
        LoopbackSocket.sendAtOnce(client)
        for socket in [client, target] {
            _ = fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK)
            _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
        }
        return DelayedConnection(
            client: client, target: target, oneWay: oneWay, opened: Stopwatch.nanoseconds(CLOCK_MONOTONIC))
    }

    /// Waits until a socket is ready or bytes are due, and not longer than it takes to notice the end.
    private func wait(_ listeners: [Listener], _ connections: [DelayedConnection]) {
        var entries = listeners.map { pollfd(fd: $0.socket, events: Int16(POLLIN), revents: 0) }
        let now = Stopwatch.nanoseconds(CLOCK_MONOTONIC)
        var nanoseconds = 100e6
        for connection in connections {
            connection.addInterests(to: &entries, now)
            if let due = connection.nextDue { nanoseconds = min(nanoseconds, max(due - now, 0)) }
        }
        // Rounded up: a byte is never early, and at most a millisecond late.
        poll(&entries, nfds_t(entries.count), Int32((nanoseconds / 1e6).rounded(.up)))
    }
}
