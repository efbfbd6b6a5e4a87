// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NIOCore
package import NodeSupport
internal import Synchronization

/// The links of one group over TCP and mutual TLS 1.3.
package final class TLSEndpoint: PeerEndpoint {
    private struct State {
        var listeners: [PeerListener] = []
        var dialler: PeerDialler?
        var peers: [PeerAddress] = []
        var isClosed = false
    }

    private let listen: [HostPort]
    private let tls: MeshTLS
    private let group: any EventLoopGroup
    private let limits: LinkLimits
    private let state = Mutex(State())

    /// Makes an endpoint that does nothing yet.
    ///
    /// - Parameters:
    ///   - listen: where the group's peers find this node; port 0 picks a free one.
    ///   - tls: who this node is.
    ///   - group: the event loops; owned by the caller.
    ///   - limits: what a peer can hold, and waits.
    package init(
        listen: [HostPort], tls: MeshTLS, group: any EventLoopGroup, limits: LinkLimits = LinkLimits()
    ) {
        self.listen = listen
        self.tls = tls
        self.group = group
        self.limits = limits
    }

    /// Listens and dials from now on; see ``PeerEndpoint``.
    package func start(
        _ receiver: @escaping @Sendable (PeerEndpointEvent) -> Void
    ) async throws(NodeError) -> [HostPort] {
        var listeners: [PeerListener] = []
        do {
            for address in listen {
                listeners.append(
                    try await PeerListener.bind(
                        address, tls: tls, group: group, limits: limits, receiver: receiver))
            }
        } catch {
            for listener in listeners { await listener.close() }
            throw error
        }
        let dialler = PeerDialler(tls: tls, group: group, limits: limits, receiver: receiver)
        let peers: [PeerAddress]? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.listeners = listeners
            state.dialler = dialler
            return state.peers
        }
        guard let peers else {
            for listener in listeners { await listener.close() }
            return []
        }
        dialler.setPeers(peers)
        return listeners.map(\.address)
    }

    /// Says who is to be dialled; see ``PeerEndpoint``.
    package func setPeers(_ peers: [PeerAddress]) {
        let dialler = state.withLock { state in
            state.peers = peers
            return state.dialler
        }
        dialler?.setPeers(peers)
    }

    /// Cuts a wait short; see ``PeerEndpoint``.
    package func nudge(_ name: String) { state.withLock { $0.dialler }?.nudge(name) }

    /// Stops listening and dialling, and closes all links.
    package func close() async {
        let (listeners, dialler) = state.withLock { state in
            state.isClosed = true
            return (state.listeners, state.dialler)
        }
        await dialler?.close()
        for listener in listeners { await listener.close() }
    }
}
