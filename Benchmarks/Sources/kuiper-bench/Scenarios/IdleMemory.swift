// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Foundation

/// How much memory a server holds for connections that wait in IDLE over TLS.
enum IdleMemory {
    private static let sessionCount = 200

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        let server = try PlutoProcess(context)
        defer { server.remove() }
        try server.start()
        let before = try server.residentMiB()
        var clients: [TLSClient] = []
        defer { for client in clients { client.stop() } }
        for _ in 0..<sessionCount { clients.append(try TLSClient(port: server.imapsPort)) }
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
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    init(port: UInt16) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl", "s_client", "-quiet", "-connect", "127.0.0.1:\(port)"]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            throw BenchFailure("openssl cannot be started: install the package openssl", exitCode: 69)
        }
        let script = "a LOGIN \(PlutoProcess.user) \(PlutoProcess.password)\r\nb SELECT INBOX\r\nc IDLE\r\n"
        try input.fileHandleForWriting.write(contentsOf: Data(script.utf8))
    }

    func waitUntilIdle() throws {
        var text = ""
        while !text.contains("\r\n+ ") {
            let bytes = output.fileHandleForReading.availableData
            guard !bytes.isEmpty else { throw BenchFailure("a TLS session ended: \(text)") }
            text += String(decoding: bytes, as: UTF8.self)
        }
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
    }
}
