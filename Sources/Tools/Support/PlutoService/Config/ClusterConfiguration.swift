// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import FoundationEssentials
package import NodeSupport
package import PeerTransport

/// A configuration file, read and checked: the settings of every node that it names.
///
/// A file of the original is read as it is; keys of ours are optional. Everything that is unknown, wrong, out of range
/// or contradictory is reported at once, each with its line (docs/configuration.md).
package struct ClusterConfiguration: Sendable {
    /// The file, as it was named.
    package let file: String
    /// The certificates of the cluster's authorities; key `RootCertLoc`.
    package let rootPath: String
    /// The private key of the authority, which only `pluto pki` reads; key `RootKeyLoc`.
    package let rootKeyPath: String
    /// What IMAP sessions offer.
    package let imap: IMAPSettings
    /// How replicas exchange what was written.
    package let replication: ReplicationSettings
    /// What is logged.
    package let log: LogSettings
    /// The distributors: `[Distributor]` first.
    package let distributors: [DistributorSettings]
    /// The workers in the order of the file.
    package let workers: [WorkerSettings]
    /// The storage node; nil when the file has none.
    package let storage: StorageSettings?

    /// Reads a file and says everything that is wrong with it.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - looksAtFiles: Also warn about certificates and other files that are named but cannot be used.
    /// - Returns: The configuration, nil when there is an error; and all errors and warnings in the order of their
    ///   lines.
    /// - Throws: ``NodeError`` with `fileMissing`, `fileUnreadable` or `fileTooLarge`.
    package static func examine(
        path: String, looksAtFiles: Bool = false
    ) throws(NodeError) -> (configuration: ClusterConfiguration?, problems: [ConfigProblem]) {
        examine(
            try BoundedFile.read(path: path, limit: TOMLDocument.maximumBytes), file: path, looksAtFiles: looksAtFiles)
    }

    /// Reads a text and says everything that is wrong with it.
    ///
    /// - Parameters:
    ///   - bytes: The text.
    ///   - file: The file's name for messages; relative paths begin in its directory.
    ///   - looksAtFiles: Also warn about certificates and other files that are named but cannot be used.
    /// - Returns: As ``examine(path:looksAtFiles:)``.
    package static func examine(
        _ bytes: [UInt8], file: String, looksAtFiles: Bool = false
    ) -> (configuration: ClusterConfiguration?, problems: [ConfigProblem]) {
        let report = ConfigReport(file: file)
        guard let root = TOMLDocument.parse(bytes, report: report) else { return (nil, report.problems) }
        let draft = ConfigReader(paths: ConfigPaths(file: file)).read(ConfigSection(root: root, report: report))
        ClusterChecks(draft: draft, report: report).run()
        if looksAtFiles { FileChecks(draft: draft, report: report, now: Date()).run() }
        guard !report.hasErrors, let rootPath = draft.rootCertificate?.value else { return (nil, report.problems) }
        let configuration = SettingsBuilder(draft: draft, rootPath: rootPath).build(file: file)
        // What the reader demands is there, or it has reported an error; this is for a mistake of ours.
        if configuration == nil { report.error(1, "the file cannot be used") }
        return (configuration, report.problems)
    }

    /// Reads a file that must be right.
    ///
    /// - Parameter path: The file.
    /// - Returns: The configuration, and warnings for the log.
    /// - Throws: ``NodeError`` with `configurationInvalid`, whose message has a line for each error, or as
    ///   ``examine(path:looksAtFiles:)``.
    package static func load(
        path: String
    ) throws(NodeError) -> (configuration: ClusterConfiguration, warnings: [ConfigProblem]) {
        let (configuration, problems) = try examine(path: path)
        guard let configuration else {
            throw .configuration(problems.filter { $0.severity == .error })
        }
        return (configuration, problems)
    }

    // MARK: Nodes

    /// Finds a distributor.
    ///
    /// - Parameter name: Its `Name` or the key of its section; nil when the file has only one.
    /// - Returns: Its settings.
    /// - Throws: ``NodeError`` with `nodeUnknown`, listing the names.
    package func distributor(named name: String? = nil) throws(NodeError) -> DistributorSettings {
        if let name {
            let found =
                distributors.first { $0.identity.name == name } ?? distributors.first { $0.key == name }
            if let found { return found }
            throw unknown("distributor", name, known: distributors.map(\.identity.name))
        }
        if distributors.count == 1 { return distributors[0] }
        throw NodeError(
            .nodeUnknown,
            distributors.isEmpty
                ? "\(file) has no [Distributor]; add it"
                : "\(file) has \(distributors.count) distributors; name one of "
                    + distributors.map(\.identity.name).joined(separator: ", "))
    }

    /// Finds a worker.
    ///
    /// - Parameter name: Its `Name`, or the key of its section.
    /// - Returns: Its settings.
    /// - Throws: ``NodeError`` with `nodeUnknown`, listing the names.
    package func worker(named name: String) throws(NodeError) -> WorkerSettings {
        if let found = workers.first(where: { $0.identity.name == name }) ?? workers.first(where: { $0.key == name }) {
            return found
        }
        throw unknown("worker", name, known: workers.map(\.identity.name))
    }

    /// Gives the storage node.
    ///
    /// - Returns: Its settings.
    /// - Throws: ``NodeError`` with `nodeUnknown`.
    package func storageNode() throws(NodeError) -> StorageSettings {
        guard let storage else { throw NodeError(.nodeUnknown, "\(file) has no [Storage]; add it") }
        return storage
    }

    /// All groups of the file, in the order of their names.
    package var groups: [GroupSettings] {
        let all = workers.map(\.replica.group) + (storage?.replicas.map(\.group) ?? [])
        return Set(all).sorted { $0.name < $1.name }
    }

    /// Every node with its certificate files and the hosts of its addresses.
    package var nodes: [ConfiguredNode] {
        distributors.map {
            ConfiguredNode(identity: $0.identity, files: $0.files, addresses: [$0.mailPublic, $0.mailListen])
        }
            + workers.map {
                ConfiguredNode(
                    identity: $0.identity, files: $0.files,
                    addresses: [$0.mailPublic, $0.mailListen] + $0.replica.addresses)
            }
            + (storage.map { storage in
                [
                    ConfiguredNode(
                        identity: storage.identity, files: storage.files,
                        addresses: [storage.mailPublic, storage.mailListen] + storage.replicas.flatMap(\.addresses))
                ]
            } ?? [])
    }

    /// What the file describes, on one line.
    package var summary: String {
        func count(_ number: Int, _ one: String) -> String { "\(number) \(one)\(number == 1 ? "" : "s")" }
        var parts = [count(distributors.count, "distributor"), count(workers.count, "worker")]
        if storage != nil { parts.append("storage") }
        return "right: " + parts.joined(separator: ", ") + "; " + count(groups.count, "replication group")
    }

    private func unknown(_ role: String, _ name: String, known: [String]) -> NodeError {
        let shown = name.unicodeScalars.prefix(80).map { $0.escaped(asASCII: false) }.joined()
        let meant = NearMiss.suggestion(for: name, among: known).map { "did you mean \($0)?" }
        let list = known.isEmpty ? "there is none" : "there are \(known.joined(separator: ", "))"
        return NodeError(.nodeUnknown, "\(file) has no \(role) \"\(shown)\"; \(meant ?? list)")
    }
}

/// A node of a configuration, as its certificate must be.
package struct ConfiguredNode: Hashable, Sendable {
    /// Who it is.
    package let identity: NodeIdentity
    /// Where its certificate is.
    package let files: NodeFiles
    /// The hosts at which it is reached, each once, without those that mean all interfaces.
    package let hosts: [String]

    init(identity: NodeIdentity, files: NodeFiles, addresses: [HostPort]) {
        self.identity = identity
        self.files = files
        var hosts: [String] = []
        for address in addresses where !address.isWildcard && !hosts.contains(address.host) {
            hosts.append(address.host)
        }
        self.hosts = hosts
    }
}

extension ReplicaSettings {
    /// The addresses of this node in the group.
    var addresses: [HostPort] { [syncPublic, syncListen].compactMap { $0 } }
}

extension NodeError.Code {
    /// The configuration has no node of this role and name.
    package static let nodeUnknown = NodeError.Code("nodeUnknown")
}
