// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// A real `pluto demo` process on free ports, with users of the test's own.
package final class PlutoServer {
    /// The users of every server that a test does not give others.
    package static let users = [("alice", "wonderland"), ("bob", "builder")]

    /// Where the process keeps its mail.
    package let directory: String
    /// The plain port, with STARTTLS.
    package let imapPort: Int
    /// The port with implicit TLS.
    package let imapsPort: Int
    /// The port of the metrics; nil when they are off.
    package let metricsPort: Int?
    /// The certificate authority's file.
    package let authority: String
    /// The file of the process's log.
    package let log: String
    /// What it printed until it was ready, with the last line.
    package let banner: [String]
    /// The process.
    package let process: ChildProcess

    /// The built program, beside the tests.
    package static let executable: String = {
        // The tests run as an executable bundle, or in a runner that is given the bundle's path.
        let bundles = ["/proc/self/exe"] + CommandLine.arguments.filter { $0.contains(".xctest") }
        for bundle in bundles {
            guard let resolved = realpath(bundle, nil) else { continue }
            defer { free(resolved) }
            let folder = String(cString: resolved).split(separator: "/").dropLast().joined(separator: "/")
            if access("/\(folder)/pluto", X_OK) == 0 { return "/\(folder)/pluto" }
        }
        return "pluto"
    }()

    /// Starts a server and waits until it is ready.
    ///
    /// - Parameters:
    ///   - directory: where its mail is; users and log stand beside it.
    ///   - users: names and passwords; a password may be a hash.
    ///   - options: more arguments of `pluto demo`.
    ///   - environment: what to add to its environment.
    ///   - shell: what a shell does first, such as setting a limit.
    package init(
        directory: String, users: [(String, String)] = PlutoServer.users, options: [String] = [],
        environment: [String: String] = [:], shell: String? = nil
    ) throws {
        self.directory = directory
        log = directory + ".log"
        let list = directory + ".users"
        try Files.write(list, Array(users.map { "\($0.0);\($0.1)\n" }.joined().utf8))

        var arguments = [Self.executable, "demo", "--directory", directory, "--users", list]
        arguments += ["--imap", "127.0.0.1:0", "--imaps", "127.0.0.1:0"] + options
        if let shell { arguments = ["/bin/bash", "-c", "\(shell); exec \"$@\"", "pluto"] + arguments }
        process = try ChildProcess(arguments, environment: environment, errors: log)

        let banner = try Self.readBanner(process)
        let ready = Self.parseReady(banner.last ?? "")
        func port(_ key: String) -> Int? { ready[key]?.split(separator: ":").last.flatMap { Int($0) } }
        guard let imap = port("imap"), let imaps = port("imaps"), let authority = ready["ca"] else {
            let ending = try process.wait(within: .seconds(5))
            throw LiveFailure("no server: \(ending); printed \(banner); log:\n\(Self.tail(of: log))")
        }
        self.banner = banner
        imapPort = imap
        imapsPort = imaps
        metricsPort = port("metrics")
        self.authority = authority
    }

    /// Ends the server as an operator does; an exit status other than 0 is an error.
    package func stop(within limit: Duration = .seconds(10)) throws {
        process.signal(SIGTERM)
        let ending = try process.wait(within: limit)
        guard ending == .exited(0) else {
            throw LiveFailure("the server ended with \(ending); log:\n\(Self.tail(of: log))")
        }
    }

    /// Ends the server as a power cut does.
    package func killHard() throws {
        process.signal(SIGKILL)
        try process.wait()
    }

    /// The end of the server's log, for the message of a failure.
    package var logTail: String { Self.tail(of: log) }

    /// Reads what it prints, to the line that begins with `ready`, or to the end.
    private static func readBanner(_ process: ChildProcess) throws -> [String] {
        var lines: [String] = []
        while let line = try process.readLine() {
            lines.append(line)
            if line.hasPrefix("ready ") { break }
        }
        return lines
    }

    /// `ready KEY=VALUE KEY=VALUE`
    private static func parseReady(_ line: String) -> [String: String] {
        guard line.hasPrefix("ready ") else { return [:] }
        var values: [String: String] = [:]
        for word in line.split(separator: " ").dropFirst() {
            let pair = word.split(separator: "=", maxSplits: 1)
            if pair.count == 2 { values[String(pair[0])] = String(pair[1]) }
        }
        return values
    }

    private static func tail(of file: String) -> String {
        // A log that cannot be read makes the message shorter, nothing else.
        String(decoding: ((try? Files.read(file)) ?? []).suffix(4_000), as: UTF8.self)
    }
}
