// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import LiveTestSupport

/// A real `pluto demo --regions N` on free ports, and what its ready line says.
final class DemoProcess {
    /// The users of every demo.
    static let users = [("alice", "wonderland"), ("bob", "builder")]

    let directory: String
    let log: String
    let process: ChildProcess
    /// The ready line's `KEY=VALUE` words.
    let facts: [String: String]

    init(directory: String, regions: Int, options: [String] = []) throws {
        self.directory = directory
        log = directory + ".log"
        process = try ChildProcess(
            [PlutoServer.executable, "demo", "--directory", directory, "--regions", "\(regions)"] + options, errors: log
        )
        var said: [String] = []
        while let line = try process.readLine(within: .seconds(120)) {
            said.append(line)
            if line.hasPrefix("ready ") { break }
        }
        guard let ready = said.last, ready.hasPrefix("ready ") else {
            throw LiveFailure("no demo: \(try process.wait()); printed \(said); log:\n\(Self.tail(log))")
        }
        var facts: [String: String] = [:]
        for word in ready.split(separator: " ").dropFirst() {
            let pair = word.split(separator: "=", maxSplits: 1)
            if pair.count == 2 { facts[String(pair[0])] = String(pair[1]) }
        }
        self.facts = facts
    }

    /// A fact of the ready line.
    func fact(_ key: String) throws -> String {
        guard let value = facts[key] else { throw LiveFailure("the ready line has no \(key): \(facts.keys.sorted())") }
        return value
    }

    /// Ends a node as a power cut does, without anybody's help.
    func kill(_ node: String) throws {
        guard let pid = pid_t(try fact("\(node).pid")) else { throw LiveFailure("no pid of \(node)") }
        Glibc.kill(pid, SIGKILL)
    }

    /// Ends the demo as an operator does.
    func stop() throws {
        process.signal(SIGTERM)
        let ending = try process.wait(within: .seconds(30))
        guard ending == .exited(0) else { throw LiveFailure("the demo ended with \(ending); log:\n\(logTail)") }
    }

    /// The end of the log, for the message of a failure.
    var logTail: String { Self.tail(log) }

    private static func tail(_ file: String) -> String {
        // A log that cannot be read makes the message shorter, nothing else.
        String(decoding: ((try? Files.read(file)) ?? []).suffix(6_000), as: UTF8.self)
    }
}
