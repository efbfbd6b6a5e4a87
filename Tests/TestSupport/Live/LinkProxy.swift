// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import Synchronization

/// A TCP proxy on loopback that a test puts between two nodes, to cut, freeze or slow what runs between them; it needs no special rights.
///
/// One thread moves all bytes. Every change of its behaviour holds for the connections that are open and for those to come.
package final class LinkProxy: Sendable {
    /// Where bytes go.
    package enum Direction: Hashable, Sendable {
        /// From those that connect to the proxy to its target.
        case toTarget
        /// From the target to those that connected.
        case fromTarget
    }

    /// How the proxy behaves.
    struct Behaviour: Sendable {
        var target: Int
        var isCut = false
        var isFrozen = false
        /// Connections older than this number are to be reset.
        var generation = 0
        var delays: [Direction: Duration] = [:]
        var isStopped = false
    }

    /// What went through.
    struct Totals: Sendable {
        var connections = 0
        var open = 0
        var bytes: [Direction: Int] = [:]
    }

    /// The port to connect to, of 127.0.0.1.
    package let port: Int

    private let shared: ProxyShared
    private let thread: Mutex<pthread_t?>

    /// Starts a proxy.
    ///
    /// - Parameter target: the port of 127.0.0.1 that it connects to.
    /// - Throws: ``LiveFailure``.
    package init(to target: Int) throws {
        let listener = try ProxySocket.listen()
        port = try ProxySocket.port(of: listener)
        shared = try ProxyShared(behaviour: Behaviour(target: target))
        let loop = ProxyLoop(listener: listener, shared: shared)
        thread = Mutex(try loop.start())
    }

    deinit { stop() }

    /// Connects to another port from now on, such as that of a node that was started again; open connections stay.
    package func retarget(to port: Int) { change { $0.target = port } }

    /// Resets every connection, and every new one at once.
    package func cut() {
        change {
            $0.isCut = true
            $0.generation += 1
        }
    }

    /// Takes new connections again.
    package func mend() { change { $0.isCut = false } }

    /// Resets the connections that are open; new ones are welcome.
    package func dropConnections() { change { $0.generation += 1 } }

    /// Moves no byte any more, in either direction, and closes nothing: what a vanished machine looks like.
    package func freeze() { change { $0.isFrozen = true } }

    /// Moves bytes again, the ones that waited first.
    package func thaw() { change { $0.isFrozen = false } }

    /// Delays every byte; it does not narrow the link.
    ///
    /// - Parameters:
    ///   - delay: how long a byte is under way.
    ///   - direction: which way; both when none is given.
    package func delay(_ delay: Duration, _ direction: Direction? = nil) {
        change { behaviour in
            for each in direction.map({ [$0] }) ?? [.toTarget, .fromTarget] { behaviour.delays[each] = delay }
        }
    }

    /// The connections that were accepted so far, those reset at once by ``cut()`` included.
    package var acceptedConnections: Int { shared.totals.withLock { $0.connections } }

    /// The connections that are open.
    package var openConnections: Int { shared.totals.withLock { $0.open } }

    /// The bytes that went through.
    ///
    /// - Parameter direction: which way.
    package func bytes(_ direction: Direction) -> Int { shared.totals.withLock { $0.bytes[direction] ?? 0 } }

    /// Resets all connections and gives the port back; the proxy is over.
    package func stop() {
        change { $0.isStopped = true }
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        if let thread { pthread_join(thread, nil) }
    }

    private func change(_ body: (inout Behaviour) -> Void) {
        shared.behaviour.withLock { body(&$0) }
        shared.wake()
    }
}

/// What the proxy and its thread share.
final class ProxyShared: Sendable {
    let behaviour: Mutex<LinkProxy.Behaviour>
    let totals = Mutex(LinkProxy.Totals())
    let wakeReader: Int32
    private let wakeWriter: Int32

    init(behaviour: LinkProxy.Behaviour) throws {
        self.behaviour = Mutex(behaviour)
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw LiveFailure.system("pipe") }
        for end in ends { ProxySocket.makeNonblocking(end) }
        wakeReader = ends[0]
        wakeWriter = ends[1]
    }

    deinit {
        close(wakeReader)
        close(wakeWriter)
    }

    /// Makes the thread look at the behaviour.
    func wake() {
        var byte: UInt8 = 1
        // A full pipe wakes as well as one byte more.
        _ = write(wakeWriter, &byte, 1)
    }
}
