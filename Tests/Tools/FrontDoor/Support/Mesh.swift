// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import FoundationEssentials
import Logging
import NodeSupport
import PeerTransport
import Synchronization

/// A directory with the certificates of a small cluster, removed at the end.
final class Mesh: Sendable {
    let path: String
    private let authority: MeshAuthority
    private let made = Mutex<[String: MeshTLS]>([:])

    init() throws {
        path = FileManager.default.temporaryDirectory.path() + "/front-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        authority = try MeshAuthority.make()
        try AtomicFile.write(path: path + "/root.pem", bytes: Array(authority.certificatePEM.utf8))
    }

    deinit {
        // What stays behind is the temporary directory's to clean.
        try? FileManager.default.removeItem(atPath: path)
    }

    func tls(_ role: NodeRole, _ name: String) throws -> MeshTLS {
        let key = "\(role)-\(name)"
        if let known = made.withLock({ $0[key] }) { return known }
        guard let identity = NodeIdentity(role: role, name: name) else { throw MeshError.badName(name) }
        try authority.issue(for: identity, hosts: ["127.0.0.1"])
            .write(certificatePath: "\(path)/\(key).pem", keyPath: "\(path)/\(key)-key.pem")
        let tls = try MeshTLS(
            certificatePath: "\(path)/\(key).pem", keyPath: "\(path)/\(key)-key.pem", rootPath: path + "/root.pem",
            logger: .quiet)
        made.withLock { $0[key] = tls }
        return tls
    }
}

enum MeshError: Error {
    case badName(String)
}

extension Logger {
    static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
