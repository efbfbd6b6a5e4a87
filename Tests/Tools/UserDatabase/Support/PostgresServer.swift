// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import FoundationEssentials
import Glibc
import LiveTestSupport
import NodeSupport
import Synchronization

/// A real PostgreSQL server of a test's own: in a temporary directory, on a free port and a Unix-domain socket, with a
/// certificate of its own, as somebody else than root, who may not run it.
final class PostgresServer: Sendable {
    /// Without TLS over TCP nobody is let in.
    private static let accessRules = """
        local   all all           scram-sha-256
        hostssl all all 0.0.0.0/0 scram-sha-256
        """
    static let administrator = "postgres"
    static let administratorPassword = "only-for-this-test"

    /// The directory with the socket.
    var socketFolder: String { folder.path }
    let port: UInt16
    /// Who signed the server's certificate, which names 127.0.0.1 and localhost, and no other address.
    let authority: String
    private let folder: TemporaryDirectory
    private let programs: String
    private let process = Mutex<ChildProcess?>(nil)

    /// Makes a cluster of databases and starts the server.
    init() throws {
        programs = try Self.findPrograms()
        folder = try TemporaryDirectory("postgres")
        port = try Self.freePort()
        let password = try folder.write("password", Self.administratorPassword)
        let identity = try CertificateStore.loadOrCreate(directory: folder.file("tls"), hosts: ["127.0.0.1"])
        authority = folder.file("authority.pem")
        try Files.write(authority, try Files.read(identity.authorityPath ?? ""), mode: 0o644)
        try giveAway(
            [folder.path, password, folder.file("tls")]
                + Files.names(in: folder.file("tls")).map { folder.file("tls") + "/" + $0 })
        let made = try run(
            "initdb",
            [
                "--pgdata", folder.file("data"), "--username", Self.administrator, "--pwfile", password,
                "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync",
            ])
        guard made.ending == .exited(0) else { throw LiveFailure("initdb failed: \(made.output)") }
        try Files.write(folder.file("data") + "/pg_hba.conf", Array(Self.accessRules.utf8))
        try start()
    }

    // MARK: Running

    /// Starts the server and waits until it takes connections.
    func start() throws {
        try process.withLock { $0 = try launch() }
    }

    private func launch() throws -> sending ChildProcess {
        let child = try ChildProcess(
            Self.asSomebodyElse + [
                "\(programs)/postgres", "-D", folder.file("data"), "-p", "\(port)", "-k", folder.path,
                "-c", "listen_addresses=127.0.0.1,127.0.0.2", "-c", "fsync=off", "-c", "shared_buffers=16MB",
                "-c", "ssl=on", "-c", "ssl_cert_file=\(folder.file("tls/server.pem"))",
                "-c", "ssl_key_file=\(folder.file("tls/server-key.pem"))", "-c", "log_min_messages=log",
            ])
        var said: [String] = []
        while let line = try child.readLine() {
            said.append(line)
            if line.contains("ready to accept connections") { return child }
        }
        throw LiveFailure("no PostgreSQL server: \(try child.wait()); it said:\n\(said.joined(separator: "\n"))")
    }

    /// Stops the server, with all its connections.
    func stop() throws {
        try process.withLock { child in
            // SIGINT is its "fast shutdown".
            child?.signal(SIGINT)
            try child?.wait()
            child = nil
        }
    }

    /// Runs statements as the administrator and gives what they print.
    @discardableResult
    func sql(_ statements: String, database: String = "postgres") throws -> String {
        let result = try ChildProcess.run(
            [
                "\(programs)/psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1",
                "--host", folder.path, "--port", "\(port)", "--username", Self.administrator, "--dbname", database,
            ], environment: ["PGPASSWORD": Self.administratorPassword], input: statements)
        guard result.ending == .exited(0) else { throw LiveFailure("psql failed: \(result.output)") }
        return result.output.split(separator: "\n").joined(separator: "\n")
    }

    // MARK: Private

    private func run(_ program: String, _ arguments: [String]) throws -> (ending: ChildProcess.Ending, output: String) {
        try ChildProcess.run(Self.asSomebodyElse + ["\(programs)/\(program)"] + arguments)
    }

    /// What makes a command run as the user `postgres` when this is root; `setpriv` replaces itself, so the pid is the server's.
    private static var asSomebodyElse: [String] {
        geteuid() == 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : []
    }

    private func giveAway(_ paths: [String]) throws {
        guard geteuid() == 0 else { return }
        guard let user = getpwnam("postgres") else {
            throw LiveFailure("this test runs as root, which may not run PostgreSQL, and there is no user postgres")
        }
        for path in paths where chown(path, user.pointee.pw_uid, user.pointee.pw_gid) != 0 {
            throw LiveFailure("chown \(path): errno \(errno)")
        }
    }

    /// The directory of the server's programs: the newest of Debian's, or what `pg_config` says.
    private static func findPrograms() throws -> String {
        let root = "/usr/lib/postgresql"
        var candidates = Files.names(in: root).sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }.map { "\(root)/\($0)/bin" }
        // Without pg_config there is one candidate less.
        if let said = try? ChildProcess.run(["pg_config", "--bindir"]), said.ending == .exited(0) {
            candidates.append(said.output.split(separator: "\n").joined())
        }
        for folder in candidates where access("\(folder)/initdb", X_OK) == 0 { return folder }
        throw LiveFailure("there is no PostgreSQL server (initdb) in \(candidates); install postgresql")
    }

    private static func freePort() throws -> UInt16 {
        let (descriptor, port) = try SilentListener.bind()
        close(descriptor)
        return port
    }
}
