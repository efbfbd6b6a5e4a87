// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import NodeSupport
internal import PlutoService

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Run a mail server on this machine: TLS, demo users, an embedded store.",
        discussion: """
            Makes what is missing (the directory, a certificate authority of its own, a server certificate) and prints how to connect; the last \
            line begins with "ready". SIGTERM or Ctrl-C ends it; mail stays in the directory. With --regions every node \
            of the cluster is a process of its own, whose number is on the last line: kill some and see that mail stays.

            Try, in another terminal:

                curl --cacert var/demo/tls/ca.pem --user alice:wonderland imaps://127.0.0.1:1993/
            """)

    @Option(help: "Where mail and certificates are kept.")
    var directory = "./var/demo"

    @Option(
        help: "A file with a user on each line, as name;password. The password may be a hash of `pluto hash-password`.")
    var users: String?

    @Option(help: "HOST:PORT for plain IMAP with STARTTLS; port 0 picks a free one.")
    var imap = "127.0.0.1:1143"

    @Option(help: "HOST:PORT for IMAP over TLS; port 0 picks a free one.")
    var imaps = "127.0.0.1:1993"

    @Option(help: "HOST:PORT for Prometheus metrics (/metrics) and a health check (/healthz); off when not given.")
    var metrics: String?

    @Option(
        help: "trace, debug, info, notice, warning, error or critical; the log goes to standard error as JSON lines.")
    var logLevel = "notice"

    @Flag(help: "Take passwords on connections without TLS. Only for tests on loopback.")
    var allowInsecureAuth = false

    @Option(
        help: "Run a whole cluster: that many regions, each with a distributor and a worker, and a storage node.")
    var regions: Int?

    @Option(help: "The first of the consecutive ports of the cluster; free ones when not given.")
    var basePort: UInt16?

    func run() async throws {
        do {
            if let regions {
                guard metrics == nil, !allowInsecureAuth else {
                    try Failure.report("--metrics and --allow-insecure-auth are not for --regions", code: .usage)
                }
                return try await runCluster(regions: regions)
            }
            let settings = try DemoSettings(
                directory: directory, users: users, imap: HostPort(parsing: imap), imaps: HostPort(parsing: imaps),
                metrics: metrics.map { text throws(NodeError) in try HostPort(parsing: text) },
                logLevel: LogLevel.parse(logLevel), allowsInsecureAuthentication: allowInsecureAuth)
            try await Demo(settings: settings).run()
        } catch {
            try Failure.exit(with: error)
        }
    }

    /// A cluster of processes, all of this program.
    private func runCluster(regions: Int) async throws {
        let level = try LogLevel.parse(logLevel)
        let settings = DemoClusterSettings(
            directory: directory, regions: regions, users: users, firstPort: basePort, logLevel: level,
            executable: try ExecutablePath.own())
        let logger = JSONLogHandler.logger(label: "pluto", node: "demo", level: level, output: LogOutput())
        let cluster = try DemoCluster(
            settings: settings, users: DemoSettings.demoUsers.map { (name: $0.0, password: $0.1) }, logger: logger,
            announce: { Console.say($0) })
        try await ProcessLifecycle(logger: logger, limits: DemoCluster.lifecycleLimits).run([cluster])
    }
}
