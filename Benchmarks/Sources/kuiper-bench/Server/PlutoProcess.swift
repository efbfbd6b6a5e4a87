// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Foundation

/// A `pluto demo` of our own on free ports, with one user and a folder that goes with it.
final class PlutoProcess {
    static let user = "bench"
    static let password = "bench"

    let executable: String
    let folder: TemporaryFolder
    private let cleanup: Cleanup
    private var process: BenchChild?
    private(set) var imapPort: UInt16 = 0
    private(set) var imapsPort: UInt16 = 0
    private(set) var metricsPort: UInt16 = 0

    init(_ context: BenchContext) throws {
        executable = try PlutoBuild.executable(context)
        folder = try context.temporaryFolder("pluto")
        cleanup = context.cleanup
        try "\(Self.user);\(Self.password)\n".write(toFile: path("users"))
    }

    /// The process id; 0 when it does not run.
    var id: Int32 { process?.pid ?? 0 }

    /// A file in the folder.
    func path(_ name: String) -> String { folder.file(name) }

    /// Starts the server and waits until it says that it is ready.
    func start() throws {
        let process = try BenchChild(
            [
                executable, "demo", "--directory", path("demo"), "--users", path("users"), "--imap", "127.0.0.1:0",
                "--imaps", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--log-level", "error", "--allow-insecure-auth",
            ], cleanup: cleanup)
        self.process = process
        while let line = try process.readLine() {
            guard line.hasPrefix("ready ") else { continue }
            imapPort = try Self.port("imap", in: line)
            imapsPort = try Self.port("imaps", in: line)
            metricsPort = try Self.port("metrics", in: line)
            return
        }
        throw BenchFailure("pluto ended before it was ready")
    }

    /// Ends the server as an administrator would.
    func stop() {
        process?.stop()
        process = nil
    }

    /// Ends the server and removes its folder.
    func remove() {
        stop()
        folder.remove()
    }

    /// A logged-in session on the plain port.
    func session() throws -> IMAPConnection {
        let connection = try IMAPConnection(port: imapPort)
        _ = try connection.line()
        try connection.command("LOGIN \(Self.user) \(Self.password)")
        return connection
    }

    /// The value of a counter without labels.
    func metric(_ name: String) throws -> Double {
        let connection = try IMAPConnection(port: metricsPort)
        try connection.send(Array("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8))
        while let line = try connection.optionalLine() {
            if line.hasPrefix(name + " "), let value = Double(line.dropFirst(name.count + 1)) { return value }
        }
        throw BenchFailure("pluto has no metric \(name)")
    }

    /// The resident memory in MiB.
    func residentMiB() throws -> Double {
        let status = FileManager.default.contents(atPath: "/proc/\(id)/status") ?? Data()
        for line in String(decoding: status, as: UTF8.self).split(separator: "\n") where line.hasPrefix("VmRSS:") {
            if let kilobytes = Double(line.split(whereSeparator: \.isWhitespace)[1]) { return kilobytes / 1_024 }
        }
        throw BenchFailure("pluto has ended")
    }

    private static func port(_ name: String, in ready: String) throws -> UInt16 {
        for word in ready.split(separator: " ") where word.hasPrefix(name + "=") {
            if let port = word.split(separator: ":").last.flatMap({ UInt16($0) }) { return port }
        }
        throw BenchFailure("pluto's ready line does not name \(name): \(ready)")
    }
}
