// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import FoundationEssentials
internal import Glibc
internal import Logging
internal import NodeSupport
internal import PeerTransport

/// Looks at the files that a configuration names, and warns about those that a node could not use.
///
/// These are warnings only: each machine has its own node's files, and a file may come later.
struct FileChecks {
    /// How long before its end a certificate is warned about: 14 days, as running nodes do.
    static let expiryWarning = MeshTLS.Limits().expiryWarning

    let draft: DraftCluster
    let report: ConfigReport
    let now: Date

    func run() {
        for distributor in draft.distributors {
            checkPublic(distributor)
            checkAuthentication(distributor)
        }
        if let key = draft.rootKey { checkSecrecy(key.value, line: key.line, title: "RootKeyLoc") }
        guard let root = draft.rootCertificate else { return }
        guard access(root.value, R_OK) == 0 else {
            // Without it nothing can be said about the others.
            report.warning(root.line, "RootCertLoc: \(Self.unreadable(root.value)); pluto pki init makes it")
            return
        }
        for distributor in draft.distributors {
            check(
                distributor.section, role: .distributor, name: distributor.name,
                certificate: distributor.certificate, key: distributor.privateKey, root: root)
        }
        for replica in draft.replicas {
            check(
                replica.section, role: replica.role, name: replica.name, certificate: replica.certificate,
                key: replica.privateKey, root: root)
        }
    }

    private func check(
        _ section: ConfigSection, role: NodeRole, name: Located<String>?, certificate: Located<String>?,
        key: Located<String>?, root: Located<String>
    ) {
        guard let name, let certificate, let key else { return }
        for path in [certificate, key] where access(path.value, R_OK) != 0 {
            report.warning(
                path.line, "\(section.title): \(Self.unreadable(path.value)); pluto pki init or renew makes it")
            return
        }
        checkSecrecy(key.value, line: key.line, title: section.title)
        do {
            let quiet = Logger(label: "check-config") { _ in SwiftLogNoOpLogHandler() }
            let mesh = try MeshTLS(
                certificatePath: certificate.value, keyPath: key.value, rootPath: root.value, logger: quiet)
            if mesh.own.role != role || mesh.own.name != name.value {
                report.warning(
                    certificate.line,
                    "\(section.title): \(certificate.value) is the certificate of \(mesh.own), not of "
                        + "\(role.rawValue) \(name.value); peers will refuse it")
            }
            checkEnd(mesh.notValidAfter, of: certificate, section)
        } catch {
            report.warning(certificate.line, "\(section.title): \(error.message)")
        }
    }

    private func checkPublic(_ distributor: DraftDistributor) {
        guard let certificate = distributor.publicCertificate, let key = distributor.publicKey else { return }
        checkSecrecy(key.value, line: key.line, title: distributor.section.title)
        do {
            let identity = try PEMFiles.load(certificate: certificate.value, key: key.value)
            checkEnd(identity.notValidAfter, of: certificate, distributor.section)
        } catch {
            report.warning(certificate.line, "\(distributor.section.title): \(error.message)")
        }
    }

    private func checkEnd(_ end: Date, of certificate: Located<String>, _ section: ConfigSection) {
        let left = end.timeIntervalSince(now)
        guard left < Self.expiryWarning else { return }
        report.warning(
            certificate.line,
            left <= 0
                ? "\(section.title): \(certificate.value) has expired"
                : "\(section.title): \(certificate.value) ends within \(Int(left / 86_400) + 1) days")
    }

    private func checkAuthentication(_ distributor: DraftDistributor) {
        let paths: [String?] =
            switch distributor.authentication {
            case .file(let settings): [settings.path]
            case .postgres(let settings): [settings.passwordFile, settings.rootPath]
            case nil: []
            }
        for path in paths.compactMap({ $0 }) where access(path, R_OK) != 0 {
            report.warning(distributor.section.line, "\(distributor.section.title): \(Self.unreadable(path))")
        }
        if case .postgres(let settings) = distributor.authentication, let path = settings.passwordFile {
            checkSecrecy(path, line: distributor.section.line, title: distributor.section.title)
        }
    }

    /// A key that everybody on the machine can read is no secret.
    private func checkSecrecy(_ path: String, line: Int, title: String) {
        guard FilePermissions.isOpenToEverybody(path) else { return }
        report.warning(line, "\(title): everybody on this machine may use \(path); run chmod 600 on it")
    }

    private static func unreadable(_ path: String) -> String {
        errno == ENOENT ? "there is no file \(path)" : "cannot read \(path): \(String(cString: strerror(errno)))"
    }
}
