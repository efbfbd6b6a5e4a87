// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import AsyncHTTPClient
internal import Glibc
internal import LiveTestSupport
internal import MirrorWire
internal import NIOCore
internal import NIOHTTP1
internal import SyncJobs

/// A manager and a worker of their own for one test: real processes of the built program.
final class MirrorSite {
    /// What the manager is told beyond its address.
    struct Options {
        /// More lines of the manager's configuration, after `[server]` and `[files]`.
        var manager = ""
        /// More lines of the worker's `[global]`.
        var global = ""
        /// More tables of the worker.
        var worker = ""
        /// The token that worker, tests and control client show.
        var token: String?
    }

    static let workerName = "worker-1"

    let folder: TemporaryDirectory
    let managerPort: Int
    let workerPort: Int
    private(set) var manager: ChildProcess?
    private(set) var worker: ChildProcess?
    private let options: Options
    private var mirrors: [String]

    /// Writes the configuration and starts nothing.
    ///
    /// - Parameters:
    ///   - folder: where everything is.
    ///   - mirrors: the mirrors, each the body of a `[[mirrors]]`.
    ///   - options: more configuration.
    init(in folder: TemporaryDirectory, mirrors: [String], options: Options = Options()) throws {
        self.folder = folder
        self.options = options
        self.mirrors = mirrors
        let ports = try FreePort.find(2)
        (managerPort, workerPort) = (ports[0], ports[1])
        for name in ["mirrors", "logs", "state"] { try Files.makeDirectory(folder.file(name)) }
        try folder.write(
            "manager.conf",
            """
            \(options.manager)
            [server]
            addr = "127.0.0.1"
            port = \(managerPort)
            allow_legacy = \(options.token == nil)
            [files]
            db_type = "lmdb"
            db_file = "\(folder.file("manager.db"))"
            """)
        if let token = options.token { try folder.write("token", token + "\n") }
        try configure(mirrors)
    }

    /// Writes the worker's configuration; a reload or restart takes it.
    func configure(_ mirrors: [String]) throws {
        self.mirrors = mirrors
        let token = options.token == nil ? "" : "token_file = \"\(folder.file("token"))\"\n"
        try folder.write(
            "worker.conf",
            """
            [global]
            name = "\(Self.workerName)"
            mirror_dir = "\(folder.file("mirrors"))"
            log_dir = "\(folder.file("logs"))/{{.Name}}"
            state_dir = "\(folder.file("state"))"
            concurrent = 4
            interval = 1440
            retry = 1
            \(options.global)
            [manager]
            api_base = "\(address)"
            \(token)
            [server]
            hostname = "127.0.0.1"
            listen_addr = "127.0.0.1"
            listen_port = \(workerPort)
            allow_legacy = true
            \(options.worker)
            """ + mirrors.map { "\n[[mirrors]]\n\($0)\n" }.joined())
    }

    /// The manager's address.
    var address: String { "http://127.0.0.1:\(managerPort)" }

    /// The folder of a mirror.
    func content(_ mirror: String) -> String { folder.file("mirrors/\(mirror)") }

    // MARK: Processes

    /// Starts the manager, then the worker, and waits until the manager knows the worker.
    func start() async throws {
        try await startManager()
        try startWorker()
        try await waitForWorker()
    }

    /// Starts the manager and waits until it answers.
    func startManager() async throws {
        manager = try launch("manager")
        _ = try await Patience.wait(for: "the manager", details: { self.report }) {
            try await self.get("ping").status == 200 ? true : nil
        }
    }

    /// Starts the worker and does not wait.
    func startWorker() throws { worker = try launch("worker") }

    /// The log goes to a file: nobody reads a pipe while a test waits.
    private func launch(_ role: String) throws -> ChildProcess {
        try ChildProcess([
            "/bin/sh", "-c", "exec \"$@\" >>\"$0\" 2>&1", folder.file("\(role).log"), MirrorProgram.path, role,
            "--config",
            folder.file("\(role).conf"), "--verbose",
        ])
    }

    /// Waits until the manager hears the worker.
    func waitForWorker() async throws {
        _ = try await Patience.wait(for: "the worker at the manager", details: { self.report }) {
            try [WorkerRow](json: try await self.get("api/v1/workers").body).contains {
                $0.id == Self.workerName && $0.isOnline
            } ? true : nil
        }
    }

    /// Ends a process as an operator does.
    func stopWorker() throws {
        worker?.signal(SIGTERM)
        let ending = try worker?.wait(within: .seconds(120))
        worker = nil
        guard ending == .exited(0) else {
            throw LiveFailure("the worker ended with \(String(describing: ending))\n\(report)")
        }
    }

    /// Ends a process as an operator does.
    func stopManager() throws {
        manager?.signal(SIGTERM)
        let ending = try manager?.wait(within: .seconds(120))
        manager = nil
        guard ending == .exited(0) else {
            throw LiveFailure("the manager ended with \(String(describing: ending))\n\(report)")
        }
    }

    /// Ends both as an operator does.
    func stop() throws {
        try stopWorker()
        try stopManager()
    }

    /// Ends the worker as a crash does.
    func killWorker() throws {
        worker?.signal(SIGKILL)
        try worker?.wait()
        worker = nil
    }

    /// Ends the manager as a crash does.
    func killManager() throws {
        manager?.signal(SIGKILL)
        try manager?.wait()
        manager = nil
    }

    // MARK: Requests

    /// The manager's HTTP interface, for several tasks at once.
    var requests: ManagerRequests { ManagerRequests(address: address, token: options.token) }

    /// Asks the manager.
    func get(_ path: String) async throws -> ManagerRequests.Reply { try await requests.send("GET", path) }

    /// Posts a document to the manager.
    func post(_ path: String, _ body: [UInt8]) async throws -> ManagerRequests.Reply {
        try await requests.send("POST", path, body)
    }

    /// The row of a mirror.
    func row(_ mirror: String) async throws -> MirrorRow? {
        try [MirrorRow](json: try await get("api/v1/mirrors").body).first { $0.web.name == mirror }
    }

    /// The runs of a mirror that ended, the newest first.
    func history(_ mirror: String) async throws -> [RunRecord] {
        try [RunRecord](json: try await get("api/v1/mirrors/\(Self.workerName)/\(mirror)/history?limit=100").body)
    }

    /// Gives a command; what the manager answers must be a success.
    func command(_ verb: CommandVerb, _ mirror: String, force: Bool = false) async throws {
        let command = ClientCommand(
            verb: verb, mirror: mirror, worker: Self.workerName, options: force ? ["force": true] : [:])
        let reply = try await post("api/v1/commands", command.jsonLine)
        guard reply.status == 200 else { throw LiveFailure("\(verb) \(mirror): \(reply.status) \(reply.text)") }
    }

    /// Waits until a mirror's row is as wanted.
    @discardableResult
    func wait(
        for mirror: String, _ what: String, within limit: Duration = Patience.limit,
        _ isWanted: @escaping (MirrorRow) -> Bool
    ) async throws -> MirrorRow {
        var last: MirrorRow?
        return try await Patience.wait(
            for: "\(mirror) \(what)", within: limit,
            details: { "the row is \(String(describing: last))\n\(self.report)" }
        ) {
            last = try await self.row(mirror)
            return last.flatMap { isWanted($0) ? $0 : nil }
        }
    }

    /// Waits until so many runs of a mirror have ended and none is going on.
    ///
    /// - Returns: the newest.
    @discardableResult
    func waitForRuns(_ count: Int, of mirror: String, within limit: Duration = Patience.limit) async throws -> RunRecord
    {
        try await Patience.wait(for: "\(count) runs of \(mirror)", within: limit, details: { self.report }) {
            let runs = try await self.history(mirror)
            guard runs.count >= count, let row = try await self.row(mirror) else { return nil }
            return [.syncing, .preSyncing].contains(row.web.status) ? nil : runs.first
        }
    }

    /// The ends of the logs, for the message of a failure.
    var report: String {
        ["manager.log", "worker.log"].map { name in
            // A log that cannot be read makes the message shorter, nothing else.
            let bytes = (try? Files.read(folder.file(name))) ?? []
            return "== \(name)\n" + String(decoding: bytes.suffix(3_000), as: UTF8.self)
        }.joined(separator: "\n")
    }
}

/// Asks a manager.
struct ManagerRequests: Sendable {
    struct Reply: Sendable {
        let status: Int
        let body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    let address: String
    let token: String?

    /// Sends a request and takes the whole answer.
    func send(_ method: String, _ path: String, _ body: [UInt8]? = nil) async throws -> Reply {
        var request = HTTPClientRequest(url: "\(address)/\(path)")
        request.method = .init(rawValue: method)
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let body {
            request.headers.add(name: "Content-Type", value: MirrorWire.jsonType)
            request.body = .bytes(body)
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(120))
        let bytes = try await response.body.collect(upTo: 32 << 20)
        return Reply(status: Int(response.status.code), body: Array(bytes.readableBytesView))
    }
}
