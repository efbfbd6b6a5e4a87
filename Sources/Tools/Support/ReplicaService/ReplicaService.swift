// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
package import Logging
package import NIOCore
package import NodeSupport
package import PeerTransport
internal import ServiceLifecycle
internal import Synchronization

/// Keeps one replica of one group in step with the others: the shell round a ``ReplicationMachine``, a store and links.
///
/// Bind first, so that the ports are known, then run. It needs nobody: a node that is alone runs, and so does one whose peers are down, far or slow. The
/// store is the caller's: close it after ``run()`` has returned.
package final class ReplicaService: Service {
    private struct State {
        var group: ReplicaGroup
        var bound: [HostPort]?
    }

    private let store: any ReplicatedStore
    private let endpoint: any PeerEndpoint
    private let eventLoop: any EventLoop
    private let metrics: ReplicationMetrics
    private let logger: Logger
    private let limits: ReplicationLimits
    private let clock: ReplicaClock
    private let inbox = ReplicaInbox()
    private let board: ReplicaBoard
    let firstContact: FirstContact
    let freshLook: FreshLook
    private let state: Mutex<State>

    /// Makes the service of one group.
    ///
    /// - Parameters:
    ///   - group: the group as the configuration describes it.
    ///   - store: the store of its partition.
    ///   - endpoint: where links come from.
    ///   - eventLoop: on which it runs, best that of the links.
    ///   - metrics: what is measured.
    ///   - logger: where it reports.
    ///   - limits: the machine's bounds.
    ///   - clock: the clocks.
    package init(
        group: ReplicaGroup, store: any ReplicatedStore, endpoint: any PeerEndpoint, eventLoop: any EventLoop,
        metrics: ReplicationMetrics, logger: Logger, limits: ReplicationLimits = ReplicationLimits(),
        clock: ReplicaClock = .system
    ) {
        self.store = store
        self.endpoint = endpoint
        self.eventLoop = eventLoop
        self.metrics = metrics
        self.logger = logger
        self.limits = limits
        self.clock = clock
        board = ReplicaBoard()
        firstContact = FirstContact(board: board, silenceMilliseconds: limits.unreachableMilliseconds)
        freshLook = FreshLook(board: board, endpoint: endpoint)
        state = Mutex(State(group: group))
    }

    /// Listens for the group's peers from now on; they are answered when the service runs.
    ///
    /// - Returns: the addresses, with the ports that the system chose.
    /// - Throws: ``NodeError`` with `addressUnavailable`, or an error of the certificates.
    @discardableResult
    package func bind() async throws(NodeError) -> [HostPort] {
        if let bound = state.withLock({ $0.bound }) { return bound }
        let bound = try await endpoint.start { [inbox] event in inbox.post(.endpoint(event)) }
        state.withLock { $0.bound = bound }
        return bound
    }

    /// Replicates until graceful shutdown or cancellation; then the links are closed and the store's work is finished.
    ///
    /// - Throws: what ``bind()`` throws, if it was not called.
    package func run() async throws {
        try await bind()
        let inbox = inbox
        store.observe(
            StoreSignals(
                progress: { inbox.signalStore() }, members: { inbox.signalMembers() },
                urgentBodies: { inbox.signalBodies() }))
        let threads = StoreThreads(label: "replica-\(state.withLock { $0.group.name })")
        let members = await firstMembers()
        firstContact.begin()
        await withTaskCancellationOrGracefulShutdownHandler {
            let group = state.withLock { $0.group }
            let reporter = ReplicaReporter(group: group.name, metrics: metrics, board: board, logger: logger)
            let loop = ReplicaLoop(
                group: { self.state.withLock { $0.group } }, store: store, endpoint: endpoint, inbox: inbox,
                reporter: reporter, eventLoop: eventLoop, threads: threads, clock: clock, limits: limits,
                members: members)
            // Links of the same event loop then hand nothing over.
            await withTaskExecutorPreference(LoopExecutor(eventLoop)) { await loop.run() }
        } onCancelOrGracefulShutdown: {
            inbox.stop()
        }
        await endpoint.close()
        await threads.finish()
    }

    /// Who the members are at the start; what cannot be read now is told when it changes.
    private func firstMembers() async -> [MemberRecord] {
        do { return try await store.members() } catch {
            logger.error(
                "what operations say about the members cannot be read; the configuration holds",
                metadata: ["reason": "\(error)"])
            return []
        }
    }

    /// Says where a member listens, such as one whose port the system chose; a membership operation still wins.
    ///
    /// - Parameters:
    ///   - name: the member's name; others are ignored.
    ///   - addresses: where it listens for this group's links.
    package func setAddresses(of name: String, _ addresses: [HostPort]) {
        state.withLock { state in
            guard let index = state.group.members.firstIndex(where: { $0.name == name }) else { return }
            state.group.members[index].addresses = addresses
        }
        inbox.signalMembers()
    }

    /// How the replica stood a moment ago; `nil` before it runs.
    package var status: ReplicaStatus? { board.current }
}
