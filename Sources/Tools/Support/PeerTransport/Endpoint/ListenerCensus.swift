// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NIOCore
internal import Synchronization

/// The connections of a listener: those that have not proved who they are, and the links of each peer.
final class ListenerCensus: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var unproved: Set<ObjectIdentifier> = []
        /// The links of each peer, oldest first.
        var links: [String: [ChannelLink]] = [:]
        var isStopped = false
    }

    private let limits: LinkLimits
    private let state = Mutex(State())

    init(limits: LinkLimits) { self.limits = limits }

    /// Whether a connection may come in.
    enum Admission {
        case admitted
        /// Too many have not proved who they are.
        case full
        /// The listener is closing.
        case stopped
    }

    /// Takes a connection in, unless too many have not proved who they are.
    func admit(_ channel: any Channel) -> Admission {
        state.withLock { state in
            if state.isStopped { return .stopped }
            guard state.unproved.count < limits.unauthenticatedConnections else { return .full }
            state.channels[ObjectIdentifier(channel)] = channel
            state.unproved.insert(ObjectIdentifier(channel))
            return .admitted
        }
    }

    /// The connection has become a link.
    ///
    /// - Returns: the oldest link of the same peer, if there are too many now; it must be closed.
    func prove(_ channel: any Channel, _ link: ChannelLink) -> ChannelLink? {
        state.withLock { state in
            state.unproved.remove(ObjectIdentifier(channel))
            var links = state.links[link.peer.name, default: []]
            links.append(link)
            let surplus = links.count > limits.linksPerPeer ? links.removeFirst() : nil
            state.links[link.peer.name] = links
            return surplus
        }
    }

    /// The connection is closed.
    func remove(_ channel: any Channel) {
        state.withLock { state in
            state.channels[ObjectIdentifier(channel)] = nil
            state.unproved.remove(ObjectIdentifier(channel))
        }
    }

    /// The link is over.
    func remove(_ link: ChannelLink) {
        state.withLock { state in
            state.links[link.peer.name]?.removeAll { $0 === link }
            if state.links[link.peer.name]?.isEmpty ?? false { state.links[link.peer.name] = nil }
        }
    }

    /// Admits nobody any more.
    ///
    /// - Returns: the links, to be closed in peace, and all connections.
    func stop() -> (links: [ChannelLink], channels: [any Channel]) {
        state.withLock { state in
            state.isStopped = true
            return (state.links.values.flatMap { $0 }, Array(state.channels.values))
        }
    }
}
