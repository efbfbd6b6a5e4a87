// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// How much memory a server holds for connections that wait in IDLE over TLS.
enum IdleMemory {
    private static let sessionCount = 200

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        let server = try PlutoProcess(context)
        defer { server.remove() }
        try server.start()
        let before = try server.residentMiB()
        var clients: [TLSClient] = []
        for _ in 0..<sessionCount { clients.append(try TLSClient(port: server.imapsPort, context.cleanup)) }
        // All handshakes are under way before the first is waited for.
        for client in clients { try client.waitUntilIdle() }
        let after = try server.residentMiB()
        let each = (after - before) * 1_024 / Double(sessionCount)
        return [
            ResultRow("idle.memory", "after the start", before, "MiB"),
            ResultRow(
                "idle.memory", "with \(sessionCount) sessions in IDLE over TLS", after, "MiB",
                note: "\(TextTable.number(each)) KiB for each session"),
        ]
    }
}

/// A session over TLS that `openssl s_client` carries: logged in, INBOX selected, idle.
private final class TLSClient {
    private let process: BenchChild

    init(port: UInt16, _ cleanup: Cleanup) throws {
        process = try BenchChild(
            ["openssl", "s_client", "-quiet", "-connect", "127.0.0.1:\(port)"], cleanup: cleanup, errors: "/dev/null")
        let script = "a LOGIN \(PlutoProcess.user) \(PlutoProcess.password)\r\nb SELECT INBOX\r\nc IDLE\r\n"
        try process.write(Array(script.utf8))
    }

    func waitUntilIdle() throws {
        while let line = try process.readLine() {
            if line.hasPrefix("+ ") { return }
        }
        throw BenchFailure("a TLS session ended before it was idle")
    }
}
