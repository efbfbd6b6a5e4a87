// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport
internal import Synchronization

/// A node's place in a ``MemoryNetwork``.
package final class MemoryEndpoint: PeerEndpoint {
    private struct State {
        var receiver: (@Sendable (PeerEndpointEvent) -> Void)?
        var peers: Set<String> = []
    }

    /// The node.
    package let identity: NodeIdentity
    private let network: MemoryNetwork
    private let state = Mutex(State())

    init(network: MemoryNetwork, identity: NodeIdentity) {
        self.network = network
        self.identity = identity
    }

    /// Joins the network; see ``PeerEndpoint``.
    package func start(
        _ receiver: @escaping @Sendable (PeerEndpointEvent) -> Void
    ) async throws(NodeError) -> [HostPort] {
        state.withLock { $0.receiver = receiver }
        network.join(self)
        return []
    }

    /// Says whom to open links to; see ``PeerEndpoint``.
    package func setPeers(_ peers: [PeerAddress]) {
        state.withLock { $0.peers = Set(peers.map(\.name)) }
        network.connect()
    }

    /// Nothing to cut short: links come back at once.
    package func nudge(_ name: String) {}

    /// Leaves the network; all links end.
    package func close() async { network.leave(self) }

    func dials(_ name: String) -> Bool { state.withLock { $0.peers.contains(name) } }

    func tell(_ event: PeerEndpointEvent) { state.withLock { $0.receiver }?(event) }
}
