// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NIOCore
internal import NodeSupport
internal import Synchronization

/// Keeps one outgoing link to each of a group's peers, each on its own: a peer that cannot be reached delays nobody else.
///
/// Attempts follow each other after 50 ms to 5 s (``LinkLimits``), with chance in it; a link that worked for a while begins the waits anew.
package final class PeerDialler: Sendable {
    private struct Dial: Sendable {
        var dial: NIOLoopBoundBox<PeerDial>
        var eventLoop: any EventLoop
        var stopped: EventLoopFuture<Void>
    }

    private struct State {
        var dials: [String: Dial] = [:]
        /// Those that were told to stop and have not.
        var stopping: [UInt64: EventLoopFuture<Void>] = [:]
        var nextNumber: UInt64 = 0
        var isStopped = false
    }

    private let tls: MeshTLS
    private let group: any EventLoopGroup
    private let limits: LinkLimits
    private let receiver: @Sendable (PeerEndpointEvent) -> Void
    private let state = Mutex(State())

    /// Makes a dialler that dials nobody yet.
    ///
    /// - Parameters:
    ///   - tls: who this node is.
    ///   - group: the event loops.
    ///   - limits: waits and bounds.
    ///   - receiver: gets `opened` and `dialFailed`, on event loops.
    package init(
        tls: MeshTLS, group: any EventLoopGroup, limits: LinkLimits = LinkLimits(),
        receiver: @escaping @Sendable (PeerEndpointEvent) -> Void
    ) {
        self.tls = tls
        self.group = group
        self.limits = limits
        self.receiver = receiver
    }

    /// Says who is to be dialled; links to others are closed, links to those that stay are kept.
    ///
    /// - Parameter peers: all of them; one without addresses is not dialled.
    package func setPeers(_ peers: [PeerAddress]) {
        var wanted: [String: PeerAddress] = [:]
        for peer in peers where !peer.addresses.isEmpty && peer.name != tls.own.name { wanted[peer.name] = peer }
        state.withLock { state in
            guard !state.isStopped else { return }
            for (name, dial) in state.dials where wanted[name] == nil {
                state.dials[name] = nil
                stop(dial, &state)
            }
            for (name, peer) in wanted {
                if let dial = state.dials[name] {
                    dial.eventLoop.execute { dial.dial.value.setAddresses(peer.addresses) }
                } else {
                    state.dials[name] = begin(peer)
                }
            }
        }
    }

    /// Says that a peer has just shown itself: a wait before the next attempt to dial it is cut short.
    ///
    /// - Parameter name: the peer.
    package func nudge(_ name: String) {
        guard let dial = state.withLock({ $0.dials[name] }) else { return }
        dial.eventLoop.execute { dial.dial.value.nudge() }
    }

    /// Dials no more, closes the links, and returns when they are closed.
    package func close() async {
        let stopping = state.withLock { state in
            state.isStopped = true
            for dial in state.dials.values { stop(dial, &state) }
            state.dials = [:]
            return Array(state.stopping.values)
        }
        for future in stopping {
            // The promise never fails; it completes when the last link is closed.
            try? await future.get()
        }
    }

    private func stop(_ dial: Dial, _ state: inout State) {
        let number = state.nextNumber
        state.nextNumber += 1
        state.stopping[number] = dial.stopped
        dial.eventLoop.execute {
            dial.dial.value.stop()
            dial.stopped.whenComplete { _ in self.state.withLock { _ = $0.stopping.removeValue(forKey: number) } }
        }
    }

    private func begin(_ peer: PeerAddress) -> Dial {
        let eventLoop = group.next()
        let dial = PeerDial(peer: peer, eventLoop: eventLoop, tls: tls, limits: limits, receiver: receiver)
        let stopped = dial.stopFuture
        let box = NIOLoopBoundBox.makeBoxSendingValue(dial, eventLoop: eventLoop)
        eventLoop.execute { box.value.start() }
        return Dial(dial: box, eventLoop: eventLoop, stopped: stopped)
    }
}
