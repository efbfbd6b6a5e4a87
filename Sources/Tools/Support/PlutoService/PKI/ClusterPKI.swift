// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import FoundationEssentials
internal import Glibc
package import NodeSupport
internal import PeerTransport
internal import SwiftASN1
internal import X509

/// Makes and renews the certificates that a configuration names (docs/pki.md).
///
/// Nothing is written before everything that can be judged was judged. Each file is replaced as a whole, a key before
/// its certificate, so that a running node that reads them finds the old pair or the new one, or for an instant a pair
/// that does not fit, which it does not take.
package struct ClusterPKI: Sendable {
    /// How old a node's certificate must be before an older authority is removed: running nodes look at their files every
    /// 30 seconds, and until all have looked somebody shows a certificate of the older one.
    package static let settlingTime: TimeInterval = 120

    private let configuration: ClusterConfiguration
    private let options: PKIOptions
    private let now: Date

    /// Prepares the work.
    ///
    /// - Parameters:
    ///   - configuration: Names the nodes and the files.
    ///   - options: What was asked for.
    ///   - now: The time.
    package init(configuration: ClusterConfiguration, options: PKIOptions = PKIOptions(), now: Date = Date()) {
        self.configuration = configuration
        self.options = options
        self.now = now
    }

    // MARK: Commands

    /// Makes the authority, unless one is given, and a certificate for each node.
    ///
    /// - Returns: What was made.
    /// - Throws: ``NodeError`` with `fileExists` when a file is there and may not be replaced, with `authorityUnusable`,
    ///   `keyMismatch`, `pemMalformed` and the like for a given authority, `directoryUnusable` or `fileUnwritable`.
    package func make() throws(NodeError) -> PKIReport {
        var report = PKIReport()
        let authority: MeshAuthority
        var targets = configuration.nodes.flatMap { [$0.files.certificatePath, $0.files.keyPath] }
        if let existing = options.existingAuthority {
            authority = try MeshAuthority.load(
                certificatePath: existing.certificatePath, keyPath: existing.keyPath, now: now)
            if existing.certificatePath != configuration.rootPath { targets.append(configuration.rootPath) }
        } else {
            authority = try MeshAuthority.make(lifetime: Self.seconds(options.authorityDays), now: now)
            targets += [configuration.rootPath, configuration.rootKeyPath]
        }
        try refuseExisting(targets)
        let issued = try issue(configuration.nodes, by: authority)

        try makeDirectories(for: targets)
        if let existing = options.existingAuthority {
            if existing.certificatePath != configuration.rootPath { try write([authority]) }
            report.add("kept", "authority", existing.certificatePath, until: authority.notValidAfter)
        } else {
            try writeKey(of: authority)
            try write([authority])
            report.add("made", "authority", configuration.rootPath, until: authority.notValidAfter)
            report.advice.append(
                "Keep \(configuration.rootKeyPath) off the nodes: whoever has it can be any of them.")
        }
        try write(issued, to: &report)
        report.advice.append("Renew with \"pluto pki renew\" before the first one ends; running nodes take new files.")
        return report
    }

    /// Issues new certificates to nodes, also to those that have none yet.
    ///
    /// Authorities that no node of the configuration needs any more leave the bundle (see ``settlingTime``).
    ///
    /// - Returns: What was made and removed.
    /// - Throws: As ``make()``.
    package func renew() throws(NodeError) -> PKIReport {
        var report = PKIReport()
        let authority = try currentAuthority()
        let roots = try Self.certificates(at: configuration.rootPath)
        var due: [ConfiguredNode] = []
        for node in configuration.nodes where try isDue(node, authority: authority) { due.append(node) }
        // Before this renewal: may anybody still show a certificate of an older authority?
        let isAlone = try hasIssuedAll(authority, before: now.addingTimeInterval(-Self.settlingTime))
        let issued = try issue(due, by: authority)

        try makeDirectories(for: due.flatMap { [$0.files.certificatePath, $0.files.keyPath] })
        try write(issued, to: &report)
        for node in configuration.nodes where !due.contains(node) {
            guard let leaf = try leaf(of: node) else { continue }
            report.add("kept", "\(node.identity)", node.files.certificatePath, until: leaf.notValidAfter)
        }
        if roots.count > 1 {
            if isAlone {
                try write([authority])
                for root in roots where try Self.pem(root) != authority.certificatePEM {
                    report.add("removed", "old authority", configuration.rootPath, until: root.notValidAfter)
                }
            } else {
                report.advice.append(
                    "The old authority stays trusted until a \"pluto pki renew\" that finds every node with a "
                        + "certificate of the new one, at least \(Int(Self.settlingTime)) seconds old.")
            }
        }
        return report
    }

    /// Adds a new authority to the bundle, and issues certificates that the old one has signed still.
    ///
    /// So nobody is refused while nodes take the new bundle, one after the other. The next ``renew()`` signs with the
    /// new authority, and the one after that removes the old one.
    ///
    /// - Returns: What was made.
    /// - Throws: As ``make()``.
    package func renewWithNewAuthority() throws(NodeError) -> PKIReport {
        var report = PKIReport()
        let old = try currentAuthority()
        let roots = try Self.certificates(at: configuration.rootPath)
        guard try hasIssuedAll(old) else {
            throw NodeError(
                .authorityUnusable,
                "\(configuration.rootPath): the last change of the authority is not complete; run \"pluto pki renew\" "
                    + "first, and let all nodes take their new certificates")
        }
        let new = try MeshAuthority.make(lifetime: Self.seconds(options.authorityDays), now: now)
        let issued = try issue(configuration.nodes, by: old)

        // The bundle first and the key last: after a crash at any instant the key there is one of the bundle's.
        try write([new, old])
        report.add("added", "authority", configuration.rootPath, until: new.notValidAfter)
        report.add("kept", "old authority", configuration.rootPath, until: old.notValidAfter)
        for root in roots {
            let isOther = try Self.pem(root) != old.certificatePEM
            if isOther { report.add("removed", "older authority", configuration.rootPath, until: root.notValidAfter) }
        }
        try makeDirectories(for: configuration.nodes.flatMap { [$0.files.certificatePath, $0.files.keyPath] })
        try write(issued, to: &report)
        try writeKey(of: new)
        report.advice = [
            "1. Bring the new \(configuration.rootPath) to all nodes; running ones take it within 30 seconds.",
            "2. Then run \"pluto pki renew\": it signs with the new authority.",
            "3. When all nodes have those certificates, \"pluto pki renew\" once more removes the old authority.",
        ]
        return report
    }

    /// Makes a self-signed certificate for the public side of each distributor.
    ///
    /// - Returns: What was made.
    /// - Throws: ``NodeError`` with `fileExists`, `hostInvalid`, `directoryUnusable` or `fileUnwritable`.
    package func makePublic() throws(NodeError) -> PKIReport {
        var report = PKIReport()
        // Distributors may share a certificate: then it names the hosts of all.
        var pairs: [(certificate: String, key: String, names: [String], hosts: [String])] = []
        for distributor in configuration.distributors {
            let path = distributor.publicCertificatePath
            let host = distributor.mailPublic.host
            if let index = pairs.firstIndex(where: { $0.certificate == path }) {
                pairs[index].names.append(distributor.identity.name)
                pairs[index].hosts.append(host)
            } else {
                pairs.append((path, distributor.publicKeyPath, [distributor.identity.name], [host]))
            }
        }
        try refuseExisting(pairs.flatMap { [$0.certificate, $0.key] })
        var made: [IssuedCertificate] = []
        for pair in pairs {
            made.append(
                try IssuedCertificate.selfSigned(
                    hosts: pair.hosts + options.publicHosts, lifetime: Self.seconds(options.leafDays), now: now))
        }
        try makeDirectories(for: pairs.flatMap { [$0.certificate, $0.key] })
        for (pair, issued) in zip(pairs, made) {
            try issued.write(certificatePath: pair.certificate, keyPath: pair.key)
            report.add(
                "made", "public \(pair.names.joined(separator: ", "))", pair.certificate, until: issued.notValidAfter)
        }
        report.advice.append("Clients must be told to trust these files; use a public authority's for real mail.")
        return report
    }

    // MARK: Issuing

    private typealias Issued = (node: ConfiguredNode, certificate: IssuedCertificate)

    private func issue(_ nodes: [ConfiguredNode], by authority: MeshAuthority) throws(NodeError) -> [Issued] {
        var all: [Issued] = []
        for node in nodes {
            let certificate = try authority.issue(
                for: node.identity, hosts: node.hosts, lifetime: Self.seconds(options.leafDays), now: now)
            all.append((node, certificate))
        }
        return all
    }

    private func write(_ issued: [Issued], to report: inout PKIReport) throws(NodeError) {
        for (node, certificate) in issued {
            try certificate.write(certificatePath: node.files.certificatePath, keyPath: node.files.keyPath)
            report.add(
                "issued", "\(node.identity)", node.files.certificatePath, until: certificate.notValidAfter)
        }
    }

    private func isDue(_ node: ConfiguredNode, authority: MeshAuthority) throws(NodeError) -> Bool {
        guard let days = options.endingWithinDays, let leaf = try leaf(of: node), authority.hasIssued(leaf),
            access(node.files.keyPath, F_OK) == 0
        else { return true }
        return leaf.notValidAfter < now.addingTimeInterval(Self.seconds(days))
    }

    /// The certificate that a node has; nil when it has none.
    private func leaf(of node: ConfiguredNode) throws(NodeError) -> Certificate? {
        guard access(node.files.certificatePath, F_OK) == 0 else { return nil }
        return try Self.certificates(at: node.files.certificatePath).first
    }

    /// Whether all certificates that nodes have are of this authority, and were made before a time.
    private func hasIssuedAll(_ authority: MeshAuthority, before time: Date? = nil) throws(NodeError) -> Bool {
        for node in configuration.nodes {
            guard let leaf = try leaf(of: node) else { continue }
            if !authority.hasIssued(leaf) { return false }
            if let time, leaf.notValidBefore.addingTimeInterval(MeshAuthority.backdating) > time { return false }
        }
        return true
    }

    // MARK: The authority

    private func currentAuthority() throws(NodeError) -> MeshAuthority {
        let existing = options.existingAuthority
        return try MeshAuthority.load(
            certificatePath: existing?.certificatePath ?? configuration.rootPath,
            keyPath: existing?.keyPath ?? configuration.rootKeyPath, now: now)
    }

    private func write(_ bundle: [MeshAuthority]) throws(NodeError) {
        let text = bundle.map(\.certificatePEM).joined()
        try AtomicFile.write(path: configuration.rootPath, bytes: Array(text.utf8), mode: 0o644)
    }

    private func writeKey(of authority: MeshAuthority) throws(NodeError) {
        let path = options.existingAuthority?.keyPath ?? configuration.rootKeyPath
        try AtomicFile.write(path: path, bytes: Array(authority.keyPEM.utf8), mode: 0o600)
    }

    // MARK: Files

    private static func seconds(_ days: Int) -> TimeInterval { TimeInterval(days) * 86_400 }

    private static func certificates(at path: String) throws(NodeError) -> [Certificate] {
        try PEMFiles.certificates(in: try PEMFiles.text(of: path), file: path)
    }

    private static func pem(_ certificate: Certificate) throws(NodeError) -> String {
        do {
            let text = try certificate.serializeAsPEM().pemString
            return text.hasSuffix("\n") ? text : text + "\n"
        } catch {
            throw NodeError(.pemMalformed, "a certificate that was read cannot be written again", cause: error)
        }
    }

    private func refuseExisting(_ paths: [String]) throws(NodeError) {
        guard !options.replacesFiles else { return }
        let existing = paths.filter { access($0, F_OK) == 0 }
        guard !existing.isEmpty else { return }
        throw NodeError(
            .fileExists,
            "\(existing.joined(separator: ", ")): \(existing.count == 1 ? "is" : "are") there already; nothing was "
                + "changed. Renew with \"pluto pki renew\", or replace everything with --force")
    }

    private func makeDirectories(for paths: [String]) throws(NodeError) {
        for path in paths {
            guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { continue }
            try DataDirectory.create(String(path[..<slash]))
        }
    }
}

extension NodeError.Code {
    /// A file is there that may not be replaced.
    package static let fileExists = NodeError.Code("fileExists")
}
