// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Foundation
internal import Logging
internal import NodeSupport
internal import PeerTransport

/// The certificates of the nodes of a run: one authority, one node certificate for each name.
final class Mesh: Sendable {
    private let folder: TemporaryFolder

    /// Issues the certificates.
    init(_ names: [String], _ context: BenchContext) throws {
        folder = try context.temporaryFolder("mesh")
        let authority = try MeshAuthority.make()
        try authority.certificatePEM.write(toFile: folder.file("root.pem"))
        for name in names {
            guard let identity = NodeIdentity(role: .worker, name: name) else { throw BenchFailure("bad name \(name)") }
            try authority.issue(for: identity, hosts: ["127.0.0.1"])
                .write(certificatePath: folder.file("\(name).pem"), keyPath: folder.file("\(name)-key.pem"))
        }
    }

    /// What a node shows and whom it believes.
    func tls(_ name: String) throws -> MeshTLS {
        try MeshTLS(
            certificatePath: folder.file("\(name).pem"), keyPath: folder.file("\(name)-key.pem"),
            rootPath: folder.file("root.pem"),
            logger: JSONLogHandler.logger(label: "node-bench", node: name, level: .error, output: LogOutput()))
    }
}
