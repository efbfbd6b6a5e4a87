// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Foundation
import Logging
import NodeSupport
import PeerTransport
import Testing

@testable import PlutoService

/// A temporary directory with a configuration, removed with its content at the end.
final class PKIFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("\(FileManager.default.temporaryDirectory.path)/pki-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "cannot make a temporary directory")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try write("config.toml", OriginalStyle.text.replacing("/etc/pluto/", with: "private/"))
        try write("users.txt", "alice;wonderland\n")
    }

    deinit {
        // What stays behind is the temporary directory's to clean.
        try? FileManager.default.removeItem(atPath: path)
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }
    var root: String { file("private/root-cert.pem") }
    var rootKey: String { file("private/root-key.pem") }

    func certificate(_ node: String) -> String { file("private/internal-\(node)-cert.pem") }
    func key(_ node: String) -> String { file("private/internal-\(node)-key.pem") }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: file(name)))
    }

    func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: file(name))), as: UTF8.self)
    }

    /// Everything under `private`: names with their contents.
    func snapshot() throws -> [String: String] {
        var all: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: file("private")) {
            all[name] = try read("private/\(name)")
        }
        return all
    }

    func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.posixPermissions] as? NSNumber).intValue
    }

    func pki(now: Date = Date(), _ change: (inout PKIOptions) -> Void = { _ in }) throws -> ClusterPKI {
        var options = PKIOptions()
        change(&options)
        let configuration = try ClusterConfiguration.load(path: file("config.toml")).configuration
        return ClusterPKI(configuration: configuration, options: options, now: now)
    }

    func mesh(_ node: String) throws -> MeshTLS {
        try MeshTLS(
            certificatePath: certificate(node), keyPath: key(node), rootPath: root,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
}

/// Runs the openssl program.
enum OpenSSL {
    struct Result {
        let status: Int32
        let output: String
    }

    static func run(_ arguments: String...) throws -> Result {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Result(status: process.terminationStatus, output: String(decoding: output, as: UTF8.self))
    }
}
