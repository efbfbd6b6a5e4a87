// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import LiveTestSupport
import Synchronization

/// A real Redis server of a test's own, on a free port of loopback.
final class RedisServer: Sendable {
    static let password = "only-for-this-test"

    private let folder: TemporaryDirectory
    private let port: UInt16
    private let process = Mutex<ChildProcess?>(nil)

    init() throws {
        folder = try TemporaryDirectory("mirror-redis")
        port = try FreePort.find()
        try start()
    }

    /// Where it is; the password is not in it.
    var url: String { "redis://127.0.0.1:\(port)/3" }

    func start() throws {
        try process.withLock { $0 = try launch() }
    }

    func stop() throws {
        try process.withLock { child in
            child?.signal(SIGTERM)
            try child?.wait()
            child = nil
        }
    }

    private func launch() throws -> sending ChildProcess {
        let child = try ChildProcess([
            "redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder.path, "--save", "",
            "--appendonly", "yes", "--requirepass", Self.password,
        ])
        var said: [String] = []
        while let line = try child.readLine() {
            said.append(line)
            if line.contains("Ready to accept connections") { return child }
        }
        throw LiveFailure("no server: \(try child.wait()); it said:\n\(said.joined(separator: "\n"))")
    }
}
