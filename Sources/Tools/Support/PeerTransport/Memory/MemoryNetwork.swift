// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport
internal import Synchronization

/// A network in memory: endpoints find each other by name, and tests cut and mend what lies between them.
///
/// Nothing is retried by time: a link that was cut comes back when it is mended, and one that a node closed at ``reconnect()``.
package final class MemoryNetwork: Sendable {
    private struct Pair: Hashable {
        var dialler: String
        var listener: String
    }

    private struct State {
        var endpoints: [String: MemoryEndpoint] = [:]
        var links: [Pair: MemoryLink] = [:]
        var cut: Set<Pair> = []
    }

    private let limits: LinkLimits
    private let state = Mutex(State())

    /// Makes an empty network.
    ///
    /// - Parameter limits: the bounds of its links.
    package init(limits: LinkLimits = LinkLimits()) { self.limits = limits }

    /// Makes the endpoint of a node.
    ///
    /// - Parameter identity: the node.
    /// - Returns: its endpoint; it takes the place of an older one of the same name.
    package func endpoint(_ identity: NodeIdentity) -> MemoryEndpoint {
        MemoryEndpoint(network: self, identity: identity)
    }

    /// Cuts what lies between two nodes: their links end, and no new ones come up.
    ///
    /// - Parameters:
    ///   - first: a node's name.
    ///   - second: another node's name.
    package func cut(_ first: String, _ second: String) {
        let links = state.withLock { state in
            [Pair(dialler: first, listener: second), Pair(dialler: second, listener: first)].compactMap { pair in
                state.cut.insert(pair)
                return state.links[pair]
            }
        }
        for link in links { link.end(LinkFault(.reset, "cut"), LinkFault(.reset, "cut")) }
    }

    /// Mends what was cut between two nodes.
    ///
    /// - Parameters:
    ///   - first: a node's name.
    ///   - second: another node's name.
    package func mend(_ first: String, _ second: String) {
        state.withLock { state in
            state.cut.remove(Pair(dialler: first, listener: second))
            state.cut.remove(Pair(dialler: second, listener: first))
        }
        connect()
    }

    /// Opens the links that are away because a node closed them.
    package func reconnect() { connect() }

    func join(_ endpoint: MemoryEndpoint) {
        state.withLock { $0.endpoints[endpoint.identity.name] = endpoint }
        connect()
    }

    func leave(_ endpoint: MemoryEndpoint) {
        let links = state.withLock { state -> [MemoryLink] in
            guard state.endpoints[endpoint.identity.name] === endpoint else { return [] }
            state.endpoints[endpoint.identity.name] = nil
            let name = endpoint.identity.name
            return state.links.filter { $0.key.dialler == name || $0.key.listener == name }.map(\.value)
        }
        for link in links { link.end(LinkFault(.ended, "the node left"), LinkFault(.ended, "the node left")) }
    }

    /// Opens every link that should be there and is not; ends those that should not be.
    func connect() {
        while let (dialler, listener, outgoing, incoming) = openOne() {
            listener.tell(.opened(incoming))
            dialler.tell(.opened(outgoing))
        }
        let surplus = state.withLock { state in
            state.links.filter { pair, _ in state.endpoints[pair.dialler]?.dials(pair.listener) != true }.map(\.value)
        }
        for link in surplus { link.close(LinkFault(.closed, "not a peer any more")) }
    }

    private func openOne() -> (MemoryEndpoint, MemoryEndpoint, MemoryLink, MemoryLink)? {
        state.withLock { state in
            for (name, dialler) in state.endpoints {
                for (other, listener) in state.endpoints where name != other && dialler.dials(other) {
                    let pair = Pair(dialler: name, listener: other)
                    guard state.links[pair] == nil, !state.cut.contains(pair) else { continue }
                    let (outgoing, incoming) = MemoryLink.pair(
                        dialler: dialler.identity, listener: listener.identity, limits: limits
                    ) { [weak self] in self?.ended(pair) }
                    state.links[pair] = outgoing
                    return (dialler, listener, outgoing, incoming)
                }
            }
            return nil
        }
    }

    private func ended(_ pair: Pair) { state.withLock { _ = $0.links.removeValue(forKey: pair) } }
}
