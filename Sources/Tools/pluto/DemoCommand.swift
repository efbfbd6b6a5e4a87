// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import NodeSupport

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Run a mail server on this machine: TLS, demo users, an embedded store.",
        discussion: """
            Makes what is missing (the directory, a certificate authority of its own, a server certificate) and prints how to connect; the last
            line begins with "ready". SIGTERM or Ctrl-C ends it; mail stays in the directory.

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

    func run() async throws {
        do {
            let settings = try DemoSettings(
                directory: directory, users: users, imap: HostPort(parsing: imap), imaps: HostPort(parsing: imaps),
                metrics: metrics.map { text throws(NodeError) in try HostPort(parsing: text) },
                logLevel: LogLevel.parse(logLevel), allowsInsecureAuthentication: allowInsecureAuth)
            try await Demo(settings: settings).run()
        } catch let exit as ExitCode {
            throw exit
        } catch {
            let (code, message) = Failure.of(error)
            try Failure.report(message, code: code)
        }
    }
}
