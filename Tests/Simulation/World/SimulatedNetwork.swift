// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport

@testable import CRDTKit

/// One end of a connection.
protocol NetworkEnd: AnyObject {
    /// The life of the node; it changes with each crash.
    var life: UInt64 { get }
    var isUp: Bool { get }
    func connected(_ link: LinkID, peer: String, direction: LinkDirection)
    func disconnected(_ link: LinkID)
    func received(_ bytes: [UInt8], on link: LinkID)
}

/// Connections like TCP's: ordered and reliable until they break, and then everything under way is lost. A partition makes them hang, and break some time later.
final class SimulatedNetwork {
    private final class Connection {
        let number: UInt64
        /// The dialling end first.
        let names: [String]
        let ends: [any NetworkEnd]
        let lives: [UInt64]
        let links: [LinkID]
        var isOpen = true
        /// When the last message arrives, by receiving end.
        var arrival: [UInt64] = [0, 0]
        /// Whether the ends were told that it is gone.
        var isTold = [false, false]

        init(_ number: UInt64, _ names: [String], _ ends: [any NetworkEnd], _ links: [LinkID]) {
            (self.number, self.names, self.ends, self.links) = (number, names, ends, links)
            lives = ends.map(\.life)
        }

        func isAlive(_ end: Int) -> Bool { ends[end].isUp && ends[end].life == lives[end] }
    }

    private let world: World
    private var nodes: [String: any NetworkEnd] = [:]
    private var connections: [LinkID: Connection] = [:]
    private var lastLink: UInt64 = 0
    /// The side of a partition on which a node is; all are on side 0 when there is none.
    private var side: [String: Int] = [:]
    /// Pairs of nodes that cannot reach each other, whatever their sides are.
    private var cuts: Set<Set<String>> = []
    /// Attempts to open a connection.
    private(set) var dials: UInt64 = 0
    private(set) var largestMessage = 0
    private(set) var messages: UInt64 = 0
    private(set) var bytes: UInt64 = 0

    init(world: World) { self.world = world }

    func attach(_ name: String, _ end: any NetworkEnd) { nodes[name] = end }

    /// Whether two nodes can reach each other.
    func isReachable(_ first: String, _ second: String) -> Bool {
        side[first, default: 0] == side[second, default: 0] && !cuts.contains([first, second])
    }

    /// Puts nodes on sides; connections across the sides hang and break later.
    func partition(_ sides: [String: Int]) {
        side = sides
        hangUnreachable()
    }

    /// Cuts the line between two nodes.
    func cut(_ first: String, _ second: String) {
        cuts.insert([first, second])
        hangUnreachable()
    }

    private func hangUnreachable() {
        for connection in all where connection.isOpen && !isReachable(connection.names[0], connection.names[1]) {
            if world.once(in: 2) { breakSoon(connection, 0...2_000_000) } else { breakSoon(connection, 0...30_000) }
        }
    }

    func heal() { (side, cuts) = ([:], []) }

    /// Opens a connection; calls `connected` at both ends, or `failed`.
    func dial(from: String, to: String, _ failed: @escaping () -> Void) {
        guard let source = nodes[from], let target = nodes[to] else { return }
        let life = source.life
        dials += 1
        world.after(delay + delay) { [self] in
            guard source.isUp, source.life == life else { return }
            guard target.isUp, isReachable(from, to) else { return failed() }
            lastLink += 2
            let links = [LinkID(lastLink - 1), LinkID(lastLink)]
            let connection = Connection(lastLink, [from, to], [source, target], links)
            for link in links { connections[link] = connection }
            target.connected(links[1], peer: from, direction: .incoming)
            source.connected(links[0], peer: to, direction: .outgoing)
        }
    }

    func send(_ payload: [UInt8], on link: LinkID) {
        guard let connection = connections[link], connection.isOpen else { return }
        messages += 1
        bytes += UInt64(payload.count)
        largestMessage = max(largestMessage, payload.count)
        if world.fault(world.faults.breakPerMessage) {
            world.note("connection \(connection.names) breaks")
            return breakSoon(connection, 0...200_000)
        }
        let sender = connection.links[0] == link ? 0 : 1
        let receiver = 1 - sender
        // A megabyte takes 100 ms.
        let moment = world.now + delay + UInt64(payload.count) / 10
        connection.arrival[receiver] = max(connection.arrival[receiver] + 1, moment)
        world.after(connection.arrival[receiver] - world.now) { [self] in
            guard connection.isOpen, connection.isAlive(receiver) else { return }
            guard isReachable(connection.names[0], connection.names[1]) else {
                // Lost on the way, and with it everything behind it.
                return breakSoon(connection, 0...2_000_000)
            }
            connection.ends[receiver].received(payload, on: connection.links[receiver])
        }
    }

    /// An end closes: what it sent before still arrives.
    func close(_ link: LinkID) {
        guard let connection = connections[link] else { return }
        let closer = connection.links[0] == link ? 0 : 1
        connection.isTold[closer] = true
        let other = 1 - closer
        let moment = max(connection.arrival[other] + 1, world.now + delay)
        world.after(moment - world.now) { [self] in
            connection.isOpen = false
            tell(connection, other)
            forget(connection)
        }
    }

    /// A node stops: the others learn it at once or after a while.
    func nodeStopped(_ name: String) {
        for connection in all where connection.isOpen && connection.names.contains(name) {
            breakSoon(connection, world.once(in: 3) ? 0...3_000_000 : 0...20_000)
        }
    }

    private var delay: UInt64 { world.number(world.faults.latency) }

    /// All connections in the order in which they were made.
    private var all: [Connection] {
        connections.filter { $0.key == $0.value.links[0] }.values.sorted { $0.number < $1.number }
    }

    private func breakSoon(_ connection: Connection, _ range: ClosedRange<UInt64>) {
        guard connection.isOpen else { return }
        connection.isOpen = false
        for end in 0...1 {
            world.after(world.number(range)) { [self] in
                tell(connection, end)
                forget(connection)
            }
        }
    }

    private func tell(_ connection: Connection, _ end: Int) {
        if connection.isTold[end] { return }
        connection.isTold[end] = true
        if connection.isAlive(end) { connection.ends[end].disconnected(connection.links[end]) }
    }

    private func forget(_ connection: Connection) {
        if connection.isTold[0] && connection.isTold[1] {
            for link in connection.links { connections[link] = nil }
        }
    }
}
