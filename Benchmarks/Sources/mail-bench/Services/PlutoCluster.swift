// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Foundation

/// A pluto cluster: in each region a distributor and a worker, and a storage node that is as far from each region as the regions are from each other.
final class PlutoCluster: ReplicatedService {
    static let regionNames = ["eu", "us", "asia"]

    let name: String
    private(set) var sites: [Site] = []
    let folder: TemporaryFolder
    private let line: DelayLine
    private var children: [(name: String, process: BenchChild)] = []
    /// The command of each node.
    private var commands: [String: [String]] = [:]
    private let bench: BenchContext

    /// Starts the cluster and waits until each node is ready.
    ///
    /// - Parameters:
    ///   - bench: the run.
    ///   - regions: how many regions.
    ///   - users: how many users it knows.
    ///   - oneWayMilliseconds: the delay between two places.
    /// - Throws: `BenchFailure` when a node does not start.
    init(_ bench: BenchContext, regions: Int, users: Int, oneWayMilliseconds: Double) throws {
        name = "pluto"
        self.bench = bench
        let executable = try PlutoBuild.executable(bench)
        folder = try bench.temporaryFolder("cluster")
        line = DelayLine(oneWayMilliseconds: oneWayMilliseconds)
        let files = try PlutoClusterFiles(regions: Array(Self.regionNames.prefix(regions)))
        let lines = MailUsers.names(users).map { "\($0);\(MailUsers.password)\n" }.joined()
        try lines.write(toFile: folder.file("users.txt"), atomically: true, encoding: .utf8)
        try write(files)
        for command in ["init", "public"] {
            let words = [executable, "pki", command, "--config", folder.file("whole.toml")]
            guard try BenchChild.run(words, cleanup: bench.cleanup, errors: folder.file("pki.log")).ending == .exited(0)
            else {
                throw BenchFailure("pluto pki \(command): \(ServiceLog.tail(folder.file("pki.log")))")
            }
        }
        line.start()
        for node in files.replicas + files.nodes.filter({ $0.role == .distributor }) {
            let name = node.role == .storage ? [] : [node.name]
            let words = [executable, node.role.rawValue] + name + ["--config", folder.file("\(node.name).toml")]
            commands[node.name] = words
            let child = try BenchChild(words, cleanup: bench.cleanup, errors: folder.file("\(node.name).log"))
            children.append((node.name, child))
        }
        for (name, child) in children { try Self.waitUntilReady(name, child, folder) }
        sites = try files.nodes.filter { $0.role == .distributor }.map { node in
            let authority = folder.file("pki/public-\(node.name)-cert.pem")
            return Site(region: node.region, port: node.mail, context: try TLSContext(trusting: authority))
        }
    }

    deinit { stop() }

    private static func waitUntilReady(_ name: String, _ child: BenchChild, _ folder: TemporaryFolder) throws {
        while let text = try child.readLine() {
            if text.hasPrefix("ready") { return }
        }
        throw BenchFailure("\(name) does not start: \(ServiceLog.tail(folder.file("\(name).log")))")
    }

    /// Ends a node at once, as a power cut would.
    func kill(_ name: String) {
        for child in children where child.name == name {
            child.process.signal(SIGKILL)
            child.process.wait()
        }
    }

    /// Starts a node again that was ended, with what it has on its disk.
    func restart(_ name: String) throws {
        guard let index = children.firstIndex(where: { $0.name == name }), let words = commands[name] else {
            throw BenchFailure("there is no node \(name)")
        }
        let child = try BenchChild(words, cleanup: bench.cleanup, errors: folder.file("\(name).log"))
        children[index].process = child
        try Self.waitUntilReady(name, child, folder)
    }

    var nodes: [(name: String, process: Int32)] { children.map { ($0.name, $0.process.pid) } }

    /// The certificate that the first region's clients see.
    var certificates: CertificateFiles {
        let name = "public-\(Self.regionNames[0])-distributor"
        return CertificateFiles(
            authority: folder.file("pki/\(name)-cert.pem"), certificate: folder.file("pki/\(name)-cert.pem"),
            key: folder.file("pki/\(name)-key.pem"))
    }

    func stop() {
        for child in children.reversed() { child.process.stop() }
        children = []
        line.stop()
    }

    /// Writes the file of each node, and one with everybody for the certificates.
    private func write(_ files: PlutoClusterFiles) throws {
        try files.text(files.nodes, mail: \.mail) { $1.sync }
            .write(toFile: folder.file("whole.toml"), atomically: true, encoding: .utf8)
        for replica in files.replicas {
            var proxies: [String: Int] = [:]
            for peer in files.replicas where peer.name != replica.name {
                proxies[peer.name] = try line.proxy(to: peer.sync)
            }
            try files.text([replica], mail: \.mail) { proxies[$1.name] ?? 0 }
                .write(toFile: folder.file("\(replica.name).toml"), atomically: true, encoding: .utf8)
        }
        for node in files.nodes where node.role == .distributor {
            var proxies: [String: Int] = [:]
            for replica in files.replicas where replica.region != node.region {
                proxies[replica.name] = try line.proxy(to: replica.mail)
            }
            try files.text([node] + files.replicas, mail: { proxies[$0.name] ?? $0.mail }, sync: { $1.sync })
                .write(toFile: folder.file("\(node.name).toml"), atomically: true, encoding: .utf8)
        }
    }
}
