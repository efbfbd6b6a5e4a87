// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Foundation
internal import MailStore

/// Measures how a replica that was away catches up while the other one goes on writing.
@main
enum ReplicationBench {
    static func main() async {
        signal(SIGPIPE, SIG_IGN)
        do { try await run(Array(CommandLine.arguments.dropFirst())) } catch {
            FileHandle.standardError.write(Data("replication-bench: \(error)\n".utf8))
            exit(1)
        }
    }

    private static func run(_ arguments: [String]) async throws {
        if arguments.first == "receiver" { return try await receive(arguments) }
        #if DEBUG
        if ProcessInfo.processInfo.environment["KUIPER_BENCH_DEBUG"] == nil {
            throw BenchError("this is a debug build, whose figures mean nothing: build with -c release")
        }
        #endif
        let operations = arguments.first.map { UInt64($0) ?? 0 } ?? 1_000_000
        guard operations >= 1_000, arguments.count < 2 else {
            throw BenchError("usage: replication-bench [OPERATIONS], at least 1,000; 1,000,000 by default")
        }
        let base = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        let directory = "\(base)/replication-bench-\(ProcessInfo.processInfo.processIdentifier)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer {
            // What is left behind is a folder under TMPDIR.
            try? FileManager.default.removeItem(atPath: directory)
        }
        var receiver = directory
        if let other = ProcessInfo.processInfo.environment["RECEIVER_TMPDIR"] {
            receiver = "\(other)/replication-bench-\(ProcessInfo.processInfo.processIdentifier)"
            try FileManager.default.createDirectory(atPath: receiver, withIntermediateDirectories: true)
        }
        defer {
            // As above.
            try? FileManager.default.removeItem(atPath: receiver)
        }
        try BenchNode.issueCertificates(in: directory)
        try await CatchUp(directory: directory, receiverDirectory: receiver, operations: operations).run()
    }

    /// The receiving process: runs until it is killed.
    private static func receive(_ arguments: [String]) async throws {
        guard arguments.count == 4, let port = Int(arguments[3]) else {
            throw BenchError("receiver DIRECTORY STORE PORT")
        }
        let node = try await BenchNode("b", in: arguments[1], store: arguments[2], peerPort: port)
        FileHandle.standardOutput.write(Data("\(node.port)\n".utf8))
        try await node.run()
    }
}
