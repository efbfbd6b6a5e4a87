// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import AllocationCounter
import Dispatch
import LiveTestSupport

/// One client's session with a mailbox of one message, and what the server allocates for a command in it.
///
/// The client's side of TLS is a process of its own, and what its thread here allocates is taken off: the rest of the process is the server.
final class CountedSession {
    private static let commandsPerRun = 200
    private static let runs = 7

    private let client: RawIMAPClient

    private init(port: Int, authority: String) throws {
        client = try RawIMAPClient(LiveSocket(tlsPort: port, authority: authority))
        try obey("LOGIN alice ecila")
        guard try client.append(to: "INBOX", Array("Subject: x\r\n\r\ny".utf8)).isOK else {
            throw LiveFailure("APPEND was refused")
        }
        try obey("SELECT INBOX")
    }

    /// Counts the allocations of each command, the median of several runs.
    ///
    /// - Parameters:
    ///   - scripts: for each figure the commands that are given in turn.
    ///   - server: the server, which has no other client.
    /// - Returns: for each script the server's allocations for one command.
    static func count(_ scripts: [[String]], at server: TestServer) async throws -> [Double] {
        let (port, authority) = (server.tlsPort, server.authority)
        // The client waits for the socket, which must not hold up the server's tasks, and all on one thread.
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "counted client").async {
                continuation.resume(
                    with: Result {
                        let session = try CountedSession(port: port, authority: authority)
                        return try scripts.map { try session.median($0) }
                    })
            }
        }
    }

    private func median(_ script: [String]) throws -> Double {
        // The first run fills what the server keeps.
        _ = try run(script)
        let counts = try (0..<Self.runs).map { _ in try run(script) }
        return Double(counts.sorted()[Self.runs / 2]) / Double(Self.commandsPerRun)
    }

    private func run(_ script: [String]) throws -> UInt64 {
        let before = allocationsOfProcess() - allocationsOfThread()
        for number in 0..<Self.commandsPerRun { try obey(script[number % script.count]) }
        return allocationsOfProcess() - allocationsOfThread() - before
    }

    private func obey(_ command: String) throws {
        let reply = try client.command(command)
        guard reply.isOK else { throw LiveFailure("\(command): \(reply)") }
    }
}
