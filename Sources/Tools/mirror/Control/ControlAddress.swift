// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import MirrorConfig
internal import NodeSupport

/// Finds the manager that a control client talks to.
enum ControlAddress {
    /// The most bytes of a token file.
    static let maximumTokenBytes = 4_096

    /// Reads the chain of files and lays the command line over it.
    ///
    /// - Parameters:
    ///   - config: the file of `-c`.
    ///   - manager: the host or URL of `-m`.
    ///   - port: the port of `-p`.
    ///   - authorities: the PEM file of `--ca-cert`.
    ///   - tokenFile: the file of `--token-file`.
    /// - Returns: the manager.
    /// - Throws: ``NodeError`` when a file or an address cannot be used.
    static func find(
        config: String?, manager: String?, port: UInt16?, authorities: String?, tokenFile: String?
    ) throws(NodeError) -> ManagerAddress {
        let home = getenv("HOME").map { String(cString: $0) }
        var (chain, problems) = try ControlConfig.load(files: ControlConfig.standardFiles(home: home), named: config)
        for problem in problems { Console.complain("\(problem)\n") }
        if let manager { chain.managerAddress = manager }
        if let port { chain.managerPort = Int(port) }
        if let authorities { chain.tls.authorities = authorities }
        if let tokenFile { chain.token = Secret(try token(in: tokenFile)) }
        return try chain.manager()
    }

    private static func token(in file: String) throws(NodeError) -> String {
        let bytes = try BoundedFile.read(path: file, limit: maximumTokenBytes)
        guard let text = String(validating: bytes, as: UTF8.self)?.trimmed, !text.isEmpty,
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw NodeError(
                .configurationInvalid, "\(file) must hold one token of printable characters and nothing else")
        }
        return text
    }
}
