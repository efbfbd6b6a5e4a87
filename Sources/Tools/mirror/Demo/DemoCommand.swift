// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import Glibc
internal import Logging
internal import MirrorConfig
internal import MirrorWire
internal import NodeSupport
internal import ServiceLifecycle

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Run a manager, a worker and an rsync server with sample content on this machine.",
        discussion: """
            Everything listens on loopback only. Prints the address of the web page; the last line begins with "ready" and \
            has the numbers of the processes. Kill the manager or the worker and see what comes of it: they are started \
            again. SIGTERM or Ctrl-C ends all of them. What was mirrored stays in the directory, and so do the \
            configuration files, which are good to read.
            """)

    @Option(help: "Where content, mirrors, logs and configuration are.", completion: .directory)
    var directory = "./var/mirror-demo"

    @Option(
        name: [.short, .long],
        help:
            "The port of the web page on 127.0.0.1; without it \(MirrorWire.defaultManagerPort), or another one when that is taken."
    )
    var port: UInt16?

    func run() async throws {
        do {
            signal(SIGPIPE, SIG_IGN)
            let ports = try LoopbackPort.find(3, preferring: Int(port ?? UInt16(MirrorWire.defaultManagerPort)))
            if let port, ports[0] != Int(port) {
                throw NodeError(.addressUnavailable, "port \(port) of 127.0.0.1 is taken; give another one with --port")
            }
            try DataDirectory.create(directory)
            guard let resolved = realpath(directory, nil) else {
                throw NodeError.system(
                    .directoryUnusable, "cannot use \(directory)", errno: errno, remedy: "give another --directory")
            }
            defer { free(resolved) }
            let files = DemoFiles(
                directory: String(cString: resolved),
                ports: DemoFiles.Ports(manager: ports[0], worker: ports[1], rsync: ports[2]))
            try files.write()
            var log = MirrorLogSettings()
            log.level = .warning
            // A worker stops within five seconds, then the manager does.
            var limits = ProcessLifecycle.Limits()
            limits.graceful = .seconds(12)
            limits.hard = .seconds(14)
            let demo = Demo(files: files, executable: try ExecutablePath.own())
            try await ProcessLifecycle(logger: ServerLogger.make("demo", log), limits: limits).run([demo])
        } catch {
            try Failure.exit(with: error)
        }
    }
}

/// Runs the processes of the demo until it is told to end.
struct Demo: Service {
    let files: DemoFiles
    let executable: String

    /// How long a process may take to be ready.
    private static let patience: Duration = .seconds(60)

    func run() async throws {
        let rsync = DemoProcess(
            name: "rsync",
            arguments: [
                // The daemon does not end with its standard input; the shell that waits for that end does it for it.
                "/bin/sh", "-c", "\"$@\" & cat >/dev/null; kill $!; wait", "sh", "rsync", "--daemon", "--no-detach",
                "--address=127.0.0.1", "--port=\(files.ports.rsync)", "--config=\(files.path("rsyncd.conf"))",
            ], log: files.path("log/rsync.log"))
        let manager = server("manager")
        let worker = server("worker")
        let report: @Sendable (String) -> Void = { Console.complain($0) }

        async let rsyncEnd: Void = rsync.keepRunning(report)
        async let managerEnd: Void = manager.keepRunning(report)
        async let workerEnd: Void = worker.keepRunning(report)
        // A stop that is asked for while all begin ends the wait.
        let isReady = try await cancelWhenGracefulShutdown { try await becomesReady() }
        if isReady {
            Console.say(greeting(manager: manager.pid, worker: worker.pid))
            // Cancellation means the same as a graceful stop here.
            try? await gracefulShutdown()
        }
        // The worker's last reports need the manager.
        worker.stop()
        try await workerEnd
        manager.stop()
        try await managerEnd
        rsync.stop()
        try await rsyncEnd
    }

    private func server(_ role: String) -> DemoProcess {
        DemoProcess(
            name: "the \(role)",
            arguments: [executable, role, "--config", files.path("\(role).conf"), "--verbose", "--supervised"],
            log: files.path("log/\(role).log"))
    }

    private var address: String { "http://127.0.0.1:\(files.ports.manager)" }

    /// Waits for all three; false when it is told to end meanwhile.
    private func becomesReady() async throws -> Bool {
        let deadline = ContinuousClock.now + Self.patience
        let manager = ManagerAddress(baseURL: address)
        while !(await isReady(manager)) {
            guard ContinuousClock.now < deadline else {
                throw NodeError(
                    .addressUnavailable,
                    "the demo's processes are not ready after \(Self.patience); their logs are in \(files.path("log"))")
            }
            do { try await Task.sleep(for: .milliseconds(50)) } catch { return false }
        }
        return true
    }

    private func isReady(_ manager: ManagerAddress) async -> Bool {
        guard LoopbackPort.answers(files.ports.rsync), LoopbackPort.answers(files.ports.manager) else { return false }
        // What does not answer yet is not ready.
        let workers = try? await ManagerClient.open(manager) { client in
            try [WorkerRow](json: await client.ask("GET", ["api", "v1", "workers"]).body, limits: ManagerClient.limits)
        }
        return workers?.contains { $0.isOnline } ?? false
    }

    /// What to do with it; the last line is for programs.
    private func greeting(manager: pid_t, worker: pid_t) -> String {
        """
        Mirrors are being synced on this machine.

          Web page             \(address)/
          Control client       mirror ctl -p \(files.ports.manager) list --all --table
          An upstream          rsync rsync://127.0.0.1:\(files.ports.rsync)/
          Configuration        \(files.path("worker.conf"))
          Logs of processes    \(files.path("log"))

          Ctrl-C ends it.

        ready page=\(address)/ rsync=127.0.0.1:\(files.ports.rsync) manager=\(manager) worker=\(worker)

        """
    }
}
