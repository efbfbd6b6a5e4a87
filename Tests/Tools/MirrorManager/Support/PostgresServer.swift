// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import LiveTestSupport
import Synchronization

/// A real PostgreSQL server of a test's own, on a socket in its folder, as somebody else than root, who may not run it.
final class PostgresServer: Sendable {
    static let password = "only-for-this-test"

    private let folder: TemporaryDirectory
    private let programs: String
    /// Only a part of the socket's name.
    private let port = 5_432
    private let process = Mutex<ChildProcess?>(nil)

    init() throws {
        programs = try Self.findPrograms()
        folder = try TemporaryDirectory("mirror-postgres")
        let password = try folder.write("password", Self.password)
        if geteuid() == 0 {
            guard let user = getpwnam("postgres") else { throw LiveFailure("there is no user postgres") }
            for path in [folder.path, password] where chown(path, user.pointee.pw_uid, user.pointee.pw_gid) != 0 {
                throw LiveFailure("chown \(path): errno \(errno)")
            }
        }
        let made = try ChildProcess.run(
            Self.asSomebodyElse + [
                "\(programs)/initdb", "--pgdata", folder.file("data"), "--username", "postgres", "--pwfile", password,
                "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync",
            ])
        guard made.ending == .exited(0) else { throw LiveFailure("initdb failed: \(made.output)") }
        try start()
    }

    /// How libpq finds it; the password is not in it.
    var connection: String { "host=\(folder.path) port=\(port) user=postgres dbname=postgres sslmode=disable" }

    func start() throws {
        try process.withLock { $0 = try launch() }
    }

    func stop() throws {
        try process.withLock { child in
            // SIGINT is its "fast shutdown".
            child?.signal(SIGINT)
            try child?.wait()
            child = nil
        }
    }

    private func launch() throws -> sending ChildProcess {
        let child = try ChildProcess(
            Self.asSomebodyElse + [
                "\(programs)/postgres", "-D", folder.file("data"), "-p", "\(port)", "-k", folder.path,
                "-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB",
            ])
        var said: [String] = []
        while let line = try child.readLine() {
            said.append(line)
            if line.contains("ready to accept connections") { return child }
        }
        throw LiveFailure("no server: \(try child.wait()); it said:\n\(said.joined(separator: "\n"))")
    }

    private static var asSomebodyElse: [String] {
        geteuid() == 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : []
    }

    private static func findPrograms() throws -> String {
        let root = "/usr/lib/postgresql"
        let folders = Files.names(in: root).sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }.map { "\(root)/\($0)/bin" }
        for folder in folders where access("\(folder)/initdb", X_OK) == 0 { return folder }
        throw LiveFailure("there is no PostgreSQL server (initdb) below \(root); install postgresql")
    }
}

/// Ports that nobody listens on at the moment, outside of the range from which the system gives ports to others.
enum FreePort {
    static func find() throws -> UInt16 {
        for _ in 0..<1_000 {
            let port = UInt16.random(in: 10_000...32_000)
            if try isFree(port) { return port }
        }
        throw LiveFailure("there is no free port")
    }

    private static func isFree(_ port: UInt16) throws -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw LiveFailure("socket: errno \(errno)") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
