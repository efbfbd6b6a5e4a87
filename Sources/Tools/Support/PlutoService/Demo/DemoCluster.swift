// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
package import Logging
internal import NIOPosix
package import NodeSupport
internal import ServiceLifecycle

/// A cluster of processes on this machine.
///
/// It starts a process for every node, says when all are ready, and ends them all
/// at its own end. A node that ends, or is killed, stays down: that is what the demo is for.
package final class DemoCluster: Service {
    /// What bounds starting and stopping.
    package struct Limits: Hashable, Sendable {
        /// How long the nodes may take to be ready.
        package var start: Duration = .seconds(60)
        /// How long the distributors may take to end before the others are told to.
        package var distributors: Duration = .milliseconds(1_500)
        /// How long all nodes may take to end before they are killed.
        package var stop: Duration = .milliseconds(4_000)

        /// The documented defaults.
        package init() {}
    }

    private enum Event: Sendable {
        case line(Int, String)
        case ended(Int, SupervisedProcess.Ending)
        case stop
        case startOverdue
        case distributorsOverdue
        case stopOverdue
    }

    /// One node's process.
    private struct Node {
        let name: String
        let isDistributor: Bool
        let process: SupervisedProcess
        /// What its ready line says; `nil` until it came.
        var facts: [String]?
        var hasEnded = false
    }

    private let settings: DemoClusterSettings
    private let files: DemoClusterFiles
    private let users: [(name: String, password: String)]
    private let limits: Limits
    private let logger: Logger
    private let announce: @Sendable (String) -> Void

    /// Makes or updates the cluster's files; nothing is started yet.
    ///
    /// - Parameters:
    ///   - settings: What was asked for.
    ///   - users: The users of a demo without a file of its own.
    ///   - limits: What bounds starting and stopping.
    ///   - logger: Told when nodes end.
    ///   - announce: Told how to connect when all nodes are ready; the last line is for programs.
    /// - Throws: ``NodeError``, naming the file or address that cannot be used.
    package init(
        settings: DemoClusterSettings, users: [(name: String, password: String)], limits: Limits = Limits(),
        logger: Logger, announce: @escaping @Sendable (String) -> Void
    ) throws(NodeError) {
        self.settings = settings
        self.users = users
        self.limits = limits
        self.logger = logger
        self.announce = announce
        files = try DemoClusterFiles(settings, users: users)
    }

    /// How long the process may take to stop.
    package static let lifecycleLimits: ProcessLifecycle.Limits = {
        var limits = ProcessLifecycle.Limits()
        limits.graceful = .milliseconds(5_000)
        limits.hard = .milliseconds(6_000)
        return limits
    }()

    /// Runs the nodes until the process stops gracefully or all nodes have ended.
    package func run() async throws {
        let (events, feed) = AsyncStream.makeStream(of: Event.self)
        let names =
            [(files.plan.storage.name, "storage")] + files.plan.workers.map { ($0.name, "worker") }
            + files.plan.distributors.map { ($0.name, "distributor") }
        let pool = NIOThreadPool(numberOfThreads: names.count)
        pool.start()
        var nodes: [Node] = []
        do {
            for (name, role) in names { nodes.append(try start(name, role)) }
            try await withTaskCancellationOrGracefulShutdownHandler {
                try await supervise(&nodes, events, feed, pool)
            } onCancelOrGracefulShutdown: {
                feed.yield(.stop)
            }
        } catch {
            for node in nodes { node.process.signal(SIGKILL) }
            // It cannot fail to end, but its signature says so.
            try? await pool.shutdownGracefully()
            throw error
        }
        try? await pool.shutdownGracefully()
    }

    private func start(_ name: String, _ role: String) throws(NodeError) -> Node {
        let words = role == "storage" ? [role] : [role, name]
        let process = try SupervisedProcess(
            executable: settings.executable,
            arguments: words + [
                "--config", files.configurationPath, "--log-level", settings.logLevel.rawValue, "--supervised",
            ])
        return Node(name: name, isDistributor: role == "distributor", process: process)
    }

    private func supervise(
        _ nodes: inout [Node], _ events: AsyncStream<Event>, _ feed: AsyncStream<Event>.Continuation,
        _ pool: NIOThreadPool
    ) async throws {
        let processes = nodes.map(\.process)
        var state = nodes
        defer { nodes = state }
        let failure: NodeError? = await withTaskGroup(of: Void.self) { group in
            for (index, process) in processes.enumerated() {
                group.addTask {
                    // The pool runs as long as this does.
                    let ending = try? await pool.runIfActive { process.follow { feed.yield(.line(index, $0)) } }
                    feed.yield(.ended(index, ending ?? .exited(0)))
                }
            }
            group.addTask { [limits] in await Self.after(limits.start) { feed.yield(.startOverdue) } }
            let failure = await loop(&state, events, feed, &group)
            for process in processes { process.signal(SIGKILL) }
            group.cancelAll()
            return failure
        }
        if let failure { throw failure }
    }

    /// Works on events until all nodes have ended.
    private func loop(
        _ nodes: inout [Node], _ events: AsyncStream<Event>, _ feed: AsyncStream<Event>.Continuation,
        _ group: inout TaskGroup<Void>
    ) async -> NodeError? {
        var isReady = false
        var isStopping = false
        for await event in events {
            switch event {
            case .line(let index, let line):
                guard line.hasPrefix("ready "), nodes[index].facts == nil else { continue }
                nodes[index].facts = line.split(separator: " ").dropFirst().map(String.init)
                if !isStopping, nodes.allSatisfy({ $0.facts != nil }) {
                    isReady = true
                    announce(greeting(nodes))
                }
            case .ended(let index, let ending):
                nodes[index].hasEnded = true
                logger.log(
                    level: isStopping ? .info : .warning, "node ended",
                    metadata: ["name": "\(nodes[index].name)", "ending": "\(ending)"])
                if !isReady, !isStopping {
                    return NodeError(
                        .processUnstartable, "\(nodes[index].name) ended before it was ready: \(ending)")
                }
                if nodes.allSatisfy(\.hasEnded) { return nil }
                if isStopping, nodes.allSatisfy({ $0.hasEnded || !$0.isDistributor }) { Self.end(nodes) }
            case .stop:
                guard !isStopping else { continue }
                isStopping = true
                Self.end(nodes.filter(\.isDistributor))
                if !nodes.contains(where: { $0.isDistributor && !$0.hasEnded }) { Self.end(nodes) }
                let limits = limits
                group.addTask { await Self.after(limits.distributors) { feed.yield(.distributorsOverdue) } }
                group.addTask { await Self.after(limits.stop) { feed.yield(.stopOverdue) } }
            case .startOverdue:
                guard !isReady, !isStopping else { continue }
                let late = nodes.filter { $0.facts == nil }.map(\.name).joined(separator: ", ")
                return NodeError(.processUnstartable, "not ready in time: \(late)")
            case .distributorsOverdue: Self.end(nodes)
            case .stopOverdue: for node in nodes { node.process.signal(SIGKILL) }
            }
        }
        return nil
    }

    private static func end(_ nodes: [Node]) {
        for node in nodes where !node.hasEnded { node.process.signal(SIGTERM) }
    }

    private static func after(_ duration: Duration, _ body: () -> Void) async {
        // Cancelled means that it is no longer wanted.
        do { try await Task.sleep(for: duration) } catch { return }
        body()
    }

    // MARK: Greeting

    /// How to connect; the last line is for programs.
    private func greeting(_ nodes: [Node]) -> String {
        let plan = files.plan
        var lines = [
            "A cluster of \(plan.distributors.count) regions is running on this machine.", "",
        ]
        for (distributor, worker) in zip(plan.distributors, plan.workers) {
            lines += [
                "  \(distributor.region)",
                "    IMAP with TLS        \(distributor.imaps)",
                "    IMAP with STARTTLS   \(distributor.imap)",
                "    Metrics              http://\(distributor.metrics)/metrics, http://\(worker.metrics)/metrics",
            ]
        }
        lines += [
            "  storage",
            "    Metrics              http://\(plan.storage.metrics)/metrics", "",
            "  CA certificate         \(files.authorityPath)",
        ]
        if let file = settings.users {
            lines.append("  Users                  those of \(file)")
        } else {
            lines += users.map { "  User                   \($0.name), password \($0.password)" }
        }
        lines += [
            "  Configuration          \(files.configurationPath)",
            "  How the nodes stand    pluto status --config \(files.configurationPath)", "",
            "  Ctrl-C ends it.", "",
            ready(nodes),
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    /// `ready KEY=VALUE ...`: the first region's addresses under the names that the demo of one node uses, then each
    /// node's facts behind its name.
    private func ready(_ nodes: [Node]) -> String {
        let first = files.plan.distributors[0]
        var words = [
            "ready", "imap=\(first.imap)", "imaps=\(first.imaps)", "ca=\(files.authorityPath)",
            "config=\(files.configurationPath)", "regions=\(files.plan.distributors.count)",
        ]
        for node in nodes {
            words.append("\(node.name).pid=\(node.process.pid)")
            words += (node.facts ?? []).filter { !$0.hasPrefix("node=") }.map { "\(node.name).\($0)" }
        }
        return words.joined(separator: " ")
    }
}
