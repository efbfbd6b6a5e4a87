// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import LiveTestSupport

/// A whole cluster of real processes on loopback: for each region a distributor and a worker, and a storage node. Every link between replicas runs
/// through a proxy of its own, which can cut, freeze and delay it.
///
/// It belongs to one test, which calls it from one thread at a time; the processes end with it.
final class Cluster {
    static let users = [("alice", "wonderland"), ("bob", "builder"), ("carol", "cipher")]

    let folder: TemporaryDirectory
    private(set) var plan: ClusterPlan
    private var processes: [String: ChildProcess] = [:]
    private var proxies: [Link: LinkProxy] = [:]
    /// The replicas that stood in the file when a node was started.
    private var known: [String: [String]] = [:]

    /// A link between two replicas: the one that dials sends its operations on it.
    struct Link: Hashable {
        let from: String
        let to: String
    }

    /// Writes the configuration and makes the certificates; starts nothing.
    ///
    /// - Parameters:
    ///   - regions: each has a distributor and a worker.
    ///   - newcomer: a replica that no file knows yet.
    ///   - replication: what else stands in `[Replication]`.
    ///   - isPatient: as ``ClusterPlan/isPatient``.
    init(
        regions: [String] = ["eu", "us"], without newcomer: String? = nil, replication: [String] = [],
        isPatient: Bool = true
    ) throws {
        folder = try TemporaryDirectory("cluster")
        var plan = try ClusterPlan(regions: regions)
        plan.replication += replication
        plan.isPatient = isPatient
        for replica in plan.replicas {
            for peer in plan.replicas where peer != replica {
                proxies[Link(from: replica.name, to: peer.name)] = try LinkProxy(to: peer.sync)
            }
        }
        if let newcomer { plan.leave(newcomer) }
        self.plan = plan
        try Files.write(
            folder.file("users.txt"), Array(Self.users.map { "\($0.0);\($0.1)\n" }.joined().utf8))
        try writeFiles()
        for command in ["init", "public"] {
            let result = try pluto(["pki", command, "--config", folder.file("whole.toml")])
            guard result.ending == .exited(0) else { throw LiveFailure("pki \(command): \(result.output)") }
        }
    }

    /// Writes the configuration as the plan is now: a file for each replica, and the one with everybody.
    private func writeFiles() throws {
        try Files.write(folder.file("whole.toml"), Array(plan.whole.utf8))
        for replica in plan.replicas {
            let text = plan.file(of: replica) { proxies[Link(from: replica.name, to: $0.name)]?.port ?? 0 }
            try Files.write(folder.file("\(replica.name).toml"), Array(text.utf8))
        }
    }

    /// Puts a newcomer into all files, where running nodes find it at their next start, and makes its certificate.
    func putIntoFiles(_ newcomer: String) throws {
        plan.join(newcomer)
        try writeFiles()
        let result = try pluto(["pki", "renew", "--config", "whole.toml", "--within", "30"])
        guard result.ending == .exited(0) else { throw LiveFailure("pki renew: \(result.output)") }
    }

    /// Takes a node out of all files but its own.
    func takeOutOfFiles(_ name: String) throws {
        plan.leave(name)
        try writeFiles()
    }

    /// Starts nodes, all together, and waits until each is ready, and known to the distributors: before that a session may be put anywhere.
    func start(_ names: [String]? = nil) throws {
        let names = names ?? plan.nodes.map(\.name)
        for name in names { try launch(name) }
        for name in names { try awaitReady(name) }
        for node in plan.nodes where node.role == .distributor && processes[node.name] != nil {
            try eventually("\(node.name) knows its nodes") {
                let up = (known[node.name] ?? []).filter { processes[$0] != nil }
                return try MetricsScrape(port: node.metrics).sum("pluto_distributor_node_up") == Double(up.count)
            }
        }
    }

    /// Starts a node without waiting for it.
    func launch(_ name: String) throws {
        guard let node = plan.node(name) else { throw LiveFailure("no node \(name)") }
        let file = folder.file(node.role == .distributor ? "whole.toml" : "\(name).toml")
        var arguments = [PlutoServer.executable, node.role.rawValue]
        if node.role != .storage { arguments.append(name) }
        arguments += ["--config", file]
        processes[name] = try ChildProcess(arguments, errors: log(of: name))
        known[name] = plan.replicas.map(\.name)
    }

    /// Waits for the line that says that a node is ready.
    func awaitReady(_ name: String) throws {
        guard let process = processes[name] else { throw LiveFailure("\(name) was not started") }
        while let line = try process.readLine() { if line.hasPrefix("ready") { return } }
        throw LiveFailure("\(name) did not become ready:\n\(logTail(of: name))")
    }

    /// Ends a node as a power cut does.
    func killHard(_ name: String) throws {
        guard let process = processes.removeValue(forKey: name) else { throw LiveFailure("\(name) does not run") }
        process.signal(SIGKILL)
        try process.wait()
    }

    /// Stops a node's process without ending it: a machine that hangs.
    func freeze(_ name: String) { processes[name]?.signal(SIGSTOP) }

    /// Lets a frozen node go on.
    func thaw(_ name: String) { processes[name]?.signal(SIGCONT) }

    /// Asks all nodes to look at their files again.
    func hangUp() { processes.values.forEach { $0.signal(SIGHUP) } }

    /// Ends a node as an operator does.
    func stop(_ name: String) throws {
        guard let process = processes.removeValue(forKey: name) else { throw LiveFailure("\(name) does not run") }
        process.signal(SIGTERM)
        let ending = try process.wait(within: .seconds(20))
        guard ending == .exited(0) else { throw LiveFailure("\(name) ended with \(ending):\n\(logTail(of: name))") }
    }

    /// Ends all nodes as an operator does.
    func stopAll() throws {
        for name in processes.keys.sorted() { try stop(name) }
    }

    /// Loses everything that a node has on disk; it must not run.
    func wipe(_ name: String) throws {
        let result = try ChildProcess.run(["rm", "-rf", folder.file("data/\(name)")])
        guard result.ending == .exited(0) else { throw LiveFailure("rm: \(result.output)") }
    }

    // MARK: Links

    /// The links between a replica and all others, both ways.
    func links(of name: String) -> [LinkProxy] {
        proxies.filter { $0.key.from == name || $0.key.to == name }.map(\.value)
    }

    /// All links.
    var allLinks: [LinkProxy] { Array(proxies.values) }

    /// Cuts a replica off from all others.
    func isolate(_ name: String) { links(of: name).forEach { $0.cut() } }

    /// Mends all links.
    func mend() { allLinks.forEach { $0.mend() } }

    // MARK: Clients

    /// Logs in at a region's distributor.
    func client(
        _ region: String, user: String = users[0].0, password: String = users[0].1
    ) throws -> RawIMAPClient {
        do {
            let client = try connect(region)
            let reply = try client.command("LOGIN \"\(user)\" \"\(password)\"")
            guard reply.isOK else { throw LiveFailure("\(reply)") }
            return client
        } catch {
            throw LiveFailure("login at \(region): \(error)\n\(logTail(of: "\(region)-distributor"))")
        }
    }

    /// Connects to a region's distributor.
    func connect(_ region: String) throws -> RawIMAPClient {
        guard let node = plan.node("\(region)-distributor") else { throw LiveFailure("no region \(region)") }
        return try RawIMAPClient(LiveSocket(tlsPort: node.mail, authority: authority(of: node.name)))
    }

    func authority(of distributor: String) -> String { folder.file("pki/public-\(distributor)-cert.pem") }

    /// Waits until a condition holds.
    func eventually(
        within limit: Duration = .seconds(30), _ what: String, _ condition: () throws -> Bool
    ) throws {
        let deadline = Deadline(limit)
        while !(try condition()) {
            if deadline.isOver { throw LiveFailure("not within \(limit): \(what)\n\(allLogTails)") }
            poll(nil, 0, 10)
        }
    }

    // MARK: What nodes say

    /// Runs the program to its end.
    func pluto(_ arguments: [String]) throws -> (ending: ChildProcess.Ending, output: String) {
        try ChildProcess.run([PlutoServer.executable] + arguments, folder: folder.path)
    }

    func log(of name: String) -> String { folder.file("\(name).log") }

    /// The whole log of a node.
    func logText(of name: String) throws -> String { String(decoding: try Files.read(log(of: name)), as: UTF8.self) }

    func logTail(of name: String) -> String {
        // A log that cannot be read makes the message shorter, nothing else.
        String(decoding: ((try? Files.read(log(of: name))) ?? []).suffix(3_000), as: UTF8.self)
    }

    private var allLogTails: String {
        plan.nodes.map { "--- \($0.name)\n\(logTail(of: $0.name))" }.joined(separator: "\n")
    }
}
