// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Foundation

/// One pluto node: `pluto demo` on a free port, with its default durable commit.
final class PlutoNode: MailService {
    let name = "pluto"
    let context: TLSContext
    let folder: TemporaryFolder
    private let bench: BenchContext
    private let executable: String
    private var run: Run

    /// One life of the process.
    private struct Run {
        let child: BenchChild
        let port: Int
        let metricsPort: Int
    }

    /// Starts the node and waits until it is ready.
    ///
    /// - Parameters:
    ///   - bench: the run.
    ///   - users: how many users it knows.
    /// - Throws: `BenchFailure` when it does not start.
    init(_ bench: BenchContext, users: Int) throws {
        self.bench = bench
        executable = try PlutoBuild.executable(bench)
        folder = try bench.temporaryFolder("pluto")
        let lines = MailUsers.names(users).map { "\($0);\(MailUsers.password)\n" }.joined()
        try lines.write(toFile: folder.file("users"), atomically: true, encoding: .utf8)
        run = try Self.start(executable, folder, bench)
        context = try TLSContext(trusting: folder.file("demo/tls/ca.pem"))
    }

    private static func start(_ executable: String, _ folder: TemporaryFolder, _ bench: BenchContext) throws -> Run {
        let child = try BenchChild(
            [
                executable, "demo", "--directory", folder.file("demo"), "--users", folder.file("users"),
                "--imap", "127.0.0.1:0", "--imaps", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--log-level", "error",
            ], cleanup: bench.cleanup, errors: folder.file("log"))
        var ready: String?
        while let line = try child.readLine() {
            if line.hasPrefix("ready ") {
                ready = line
                break
            }
        }
        func port(_ name: String) -> Int? {
            let address = ready?.split(separator: " ").first { $0.hasPrefix(name + "=") }
            return address?.split(separator: ":").last.flatMap { Int($0) }
        }
        guard let imaps = port("imaps"), let metrics = port("metrics") else {
            throw BenchFailure("pluto ended before it was ready; its log: \(ServiceLog.tail(folder.file("log")))")
        }
        return Run(child: child, port: imaps, metricsPort: metrics)
    }

    var port: Int { run.port }

    /// Ends the node as an administrator would, and starts it again with the mail that it has.
    func restart() throws {
        stop()
        run = try Self.start(executable, folder, bench)
    }

    /// The value of a counter without labels.
    func metric(_ name: String) throws -> Double {
        let text = try LoopbackSocket.ask(
            port: run.metricsPort, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix(name + " ") {
            if let value = Double(line.dropFirst(name.count + 1)) { return value }
        }
        throw BenchFailure("pluto has no metric \(name)")
    }

    var roots: [Int32] { [run.child.pid] }

    /// The certificate files, which its peer uses too.
    var certificates: CertificateFiles {
        CertificateFiles(
            authority: folder.file("demo/tls/ca.pem"), certificate: folder.file("demo/tls/server.pem"),
            key: folder.file("demo/tls/server-key.pem"))
    }

    /// Ends the node.
    func stop() { run.child.stop() }
}

/// What a server shows and a client trusts.
struct CertificateFiles {
    let authority: String
    let certificate: String
    let key: String
}

/// What a server wrote about its troubles.
enum ServiceLog {
    /// The last lines of a file.
    static func tail(_ path: String) -> String {
        // Without a log there is nothing to show.
        guard let text = try? String(contentsOfFile: path, encoding: .utf8), !text.isEmpty else { return "empty" }
        return text.split(separator: "\n").suffix(5).joined(separator: " | ")
    }
}
