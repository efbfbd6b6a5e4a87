// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import FoundationEssentials
package import Logging
package import NodeSupport
internal import PeerTransport

/// What `pluto demo --regions N` was asked to do.
package struct DemoClusterSettings: Sendable {
    /// Where configuration, certificates, users and mail are kept.
    package var directory: String
    /// How many regions.
    package var regions: Int
    /// A file with users; the demo's own when `nil`.
    package var users: String?
    /// The first of consecutive ports; free ones when `nil`.
    package var firstPort: UInt16?
    /// What the nodes log.
    package var logLevel: Logger.Level
    /// The program that every node runs.
    package var executable: String

    /// Gathers settings.
    ///
    /// - Parameters:
    ///   - directory: Where everything is kept.
    ///   - regions: How many regions, 1 to 15.
    ///   - users: A file with users.
    ///   - firstPort: The first of consecutive ports.
    ///   - logLevel: What the nodes log.
    ///   - executable: The program that every node runs.
    package init(
        directory: String, regions: Int, users: String?, firstPort: UInt16?, logLevel: Logger.Level, executable: String
    ) {
        self.directory = directory
        self.regions = regions
        self.users = users
        self.firstPort = firstPort
        self.logLevel = logLevel
        self.executable = executable
    }
}

/// The files of a demonstration cluster: they are made, or brought up to date, at each start; mail and the authorities
/// are kept.
struct DemoClusterFiles {
    let plan: DemoPlan
    /// The configuration of all nodes.
    let configurationPath: String
    /// What clients must trust.
    let authorityPath: String
    /// The users' file.
    let usersPath: String

    /// Makes the files.
    ///
    /// - Parameters:
    ///   - settings: What was asked for.
    ///   - users: The users of a demo without a file of its own.
    /// - Throws: ``NodeError``, naming the file that cannot be used.
    init(_ settings: DemoClusterSettings, users: [(name: String, password: String)]) throws(NodeError) {
        guard (1...DemoPlan.maximumRegions).contains(settings.regions) else {
            throw NodeError(
                .demoImpossible, "a demo has 1 to \(DemoPlan.maximumRegions) regions, not \(settings.regions)")
        }
        let directory = settings.directory
        try DataDirectory.create(directory)
        try DataDirectory.create(directory + "/pki")
        plan = DemoPlan(regions: settings.regions, ports: try Self.ports(settings))
        usersPath = try Self.users(settings, users)
        let identity = try CertificateStore.loadOrCreate(
            directory: directory + "/tls", hosts: ["127.0.0.1", "localhost"])
        authorityPath = identity.authorityPath ?? identity.certificatePath
        configurationPath = directory + "/config.toml"
        let text = plan.configuration(usersFile: usersPath)
        try AtomicFile.write(path: configurationPath, bytes: Array(text.utf8), mode: 0o600)
        let configuration = try ClusterConfiguration.load(path: configurationPath).configuration
        try Self.issueCertificates(configuration, directory: directory)
    }

    private static func ports(_ settings: DemoClusterSettings) throws(NodeError) -> [UInt16] {
        let count = DemoPlan.portCount(regions: settings.regions)
        guard let first = settings.firstPort else { return try FreePorts.find(count) }
        guard first > 0, Int(first) + count - 1 <= Int(UInt16.max) else {
            throw NodeError(
                .demoImpossible,
                "\(settings.regions) regions need \(count) ports; there are not that many from \(first) on")
        }
        return (0..<count).map { first + UInt16($0) }
    }

    private static func users(
        _ settings: DemoClusterSettings, _ users: [(name: String, password: String)]
    ) throws(NodeError) -> String {
        if let file = settings.users {
            // The nodes read it; what is wrong with it is said here, once.
            _ = try UserDirectory.load(path: file)
            return ConfigPaths(file: file).resolve(
                String(file[(file.lastIndex(of: "/").map { file.index(after: $0) } ?? file.startIndex)...]))
        }
        let lines = users.map { "\($0.name);\($0.password)\n" }.joined()
        try AtomicFile.write(path: settings.directory + "/users", bytes: Array(lines.utf8), mode: 0o600)
        return "users"
    }

    private static func issueCertificates(
        _ configuration: ClusterConfiguration, directory: String
    ) throws(NodeError) {
        let (certificatePath, keyPath) = (directory + "/pki/root.pem", directory + "/pki/root-key.pem")
        let authority: MeshAuthority
        if try BoundedFile.readIfPresent(path: certificatePath, limit: 1 << 20) != nil {
            authority = try MeshAuthority.load(certificatePath: certificatePath, keyPath: keyPath)
        } else {
            authority = try MeshAuthority.make()
            try AtomicFile.write(path: keyPath, bytes: Array(authority.keyPEM.utf8), mode: 0o600)
            try AtomicFile.write(path: certificatePath, bytes: Array(authority.certificatePEM.utf8), mode: 0o644)
        }
        for node in configuration.nodes {
            try authority.issue(for: node.identity, hosts: node.hosts)
                .write(certificatePath: node.files.certificatePath, keyPath: node.files.keyPath)
        }
    }
}

extension NodeError.Code {
    /// What was asked of the demo cannot be done.
    package static let demoImpossible = NodeError.Code("demoImpossible")
}
