// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Logging
internal import NIOCore
internal import PeerTransport
internal import Synchronization

/// Watches every node over a link of its own, so that a login knows at once whom to ask, and a session hears that its node
/// hangs though its connection stands.
final class HealthMonitor: Sendable {
    private struct Watch {
        var health = NodeHealth.unknown
        /// The sessions' links to the node.
        var links: [ObjectIdentifier: FrontLink] = [:]
    }

    private let tls: MeshTLS
    private let group: any EventLoopGroup
    private let limits: FrontLimits
    private let times: HealthTimes
    private let logger: Logger
    private let watches: Mutex<[FrontNode: Watch]>

    init(
        nodes: [FrontNode], tls: MeshTLS, group: any EventLoopGroup, limits: FrontLimits, times: HealthTimes,
        logger: Logger
    ) {
        self.tls = tls
        self.group = group
        self.limits = limits
        self.times = times
        self.logger = logger
        watches = Mutex(Dictionary(nodes.map { ($0, Watch()) }) { first, _ in first })
    }

    // MARK: Getters

    func health(of node: FrontNode) -> NodeHealth { watches.withLock { $0[node]?.health ?? .unknown } }

    /// All nodes, for metrics.
    var all: [(node: FrontNode, health: NodeHealth)] {
        watches.withLock { $0.map { ($0.key, $0.value.health) } }
    }

    /// Candidates in the order in which they should be asked: those that are up first, else as they were given.
    func ordered(_ candidates: [FrontCandidate]) -> [FrontCandidate] {
        let health = watches.withLock { watches in candidates.map { watches[$0.frontNode]?.health ?? .unknown } }
        // A node of which nothing is known may well be the right one.
        let ranks = health.map { $0 == .unknown ? NodeHealth.up.rawValue : $0.rawValue }
        return candidates.indices.sorted { (ranks[$0], $0) < (ranks[$1], $1) }.map { candidates[$0] }
    }

    // MARK: Sessions

    /// A session uses a link: it is cut when the node goes down.
    ///
    /// A node that was down and has just taken a session is not down any more. If it goes down in this moment, the watch
    /// finds that out once more.
    func enter(_ link: FrontLink) {
        watches.withLock { watches in
            watches[link.node]?.links[ObjectIdentifier(link.channel)] = link
            if watches[link.node]?.health == .down { watches[link.node]?.health = .unknown }
        }
    }

    func leave(_ link: FrontLink) {
        watches.withLock { _ = $0[link.node]?.links.removeValue(forKey: ObjectIdentifier(link.channel)) }
    }

    // MARK: Watching

    /// Watches until it is cancelled.
    func run() async {
        let nodes = watches.withLock { Array($0.keys) }
        await withDiscardingTaskGroup { tasks in
            for node in nodes { tasks.addTask { await self.watch(node) } }
        }
    }

    private func watch(_ node: FrontNode) async {
        var wait = times.interval
        while !Task.isCancelled {
            do throws(FrontFault) {
                let link = try await FrontLink.connect(to: node, tls: tls, group: group, limits: limits)
                defer { link.abort() }
                try await withTaskCancellationHandlerTyped(link) { () async throws(FrontFault) in
                    wait = times.interval
                    try await ping(link)
                }
            } catch {
                note(node, .down, reason: error.description)
            }
            // Cancelled: the loop ends.
            try? await Task.sleep(for: wait)
            wait = min(wait * 2, times.retry)
        }
    }

    private func withTaskCancellationHandlerTyped(
        _ link: FrontLink, _ body: () async throws(FrontFault) -> Void
    ) async throws(FrontFault) {
        let result: Result<Void, FrontFault> = await withTaskCancellationHandler {
            do throws(FrontFault) {
                try await body()
                return .success(())
            } catch {
                return .failure(error)
            }
        } onCancel: {
            link.abort()
        }
        try result.get()
    }

    private func ping(_ link: FrontLink) async throws(FrontFault) {
        var number: UInt64 = 0
        while true {
            number += 1
            link.send(.ping(number))
            let alarm = link.channel.eventLoop.scheduleTask(in: TimeAmount(times.late)) { [weak self] in
                self?.note(link.node, .late, reason: "no answer within \(self?.times.late ?? .zero)")
            }
            defer { alarm.cancel() }
            guard case .pong(number) = try await link.next(within: TimeAmount(times.down)) else {
                throw .malformed("a frame that answers no PING")
            }
            alarm.cancel()
            note(link.node, .up, reason: "it answers")
            // Cancelled: the link is cut, and the next wait for an answer ends.
            try? await Task.sleep(for: times.interval)
        }
    }

    private func note(_ node: FrontNode, _ health: NodeHealth, reason: String) {
        let (before, cut) = watches.withLock { watches -> (NodeHealth, [FrontLink]) in
            guard let watch = watches[node], watch.health != health else { return (health, []) }
            // Late is said by a timer, which may be late itself.
            guard health != .late || watch.health == .up else { return (health, []) }
            watches[node]?.health = health
            guard health == .down else { return (watch.health, []) }
            watches[node]?.links = [:]
            return (watch.health, Array(watch.links.values))
        }
        guard before != health else { return }
        logger.log(
            level: health == .up ? .notice : .warning, "node is \(health)",
            metadata: ["peer": "\(node.name)", "address": "\(node.address)", "reason": "\(reason)"])
        for link in cut { link.abort() }
    }
}
