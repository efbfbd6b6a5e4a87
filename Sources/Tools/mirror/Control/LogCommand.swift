// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import MirrorWire

struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Print the log of a mirror's last run, or of another one.",
        discussion: """
            --follow goes on until the run ends. --list says which logs there are; --run takes one by the number of its \
            run. On a terminal control characters are not passed on.
            """)

    @Flag(name: [.customShort("F"), .long], help: "Go on while the log grows.")
    var follow = false

    @Flag(name: .shortAndLong, help: "List the logs that are kept.")
    var list = false

    @Option(name: .shortAndLong, help: "The number of the run.")
    var run: UInt64?

    @Option(help: ArgumentHelp("Skip so many bytes.", valueName: "bytes"))
    var offset: UInt64 = 0

    @Argument(help: "The mirror.")
    var mirror: String

    @OptionGroup var target: WorkerOption
    @OptionGroup var options: ControlOptions

    func run() async throws {
        try await options.run { client in
            try await client.needsOurs("does not pass logs on")
            let row = try await MirrorLookup.find(mirror, worker: target.worker, client)
            let path = ["api", "v1", "mirrors", row.worker, mirror, "logs"]
            let logs = try [LogEntry](json: await client.ask("GET", path).body, limits: ManagerClient.limits)
                .sorted { $1.started.isBefore($0.started) }
            if list { return show(logs) }
            guard let log = run.map({ number in logs.first { $0.run == number } }) ?? logs.first else {
                throw ControlFailure(
                    run.map { "there is no log of run \($0)" } ?? "\(Console.plain(mirror)) has no logs yet")
            }
            let filters = Console.isTerminal
            try await client.stream(path + [log.id], query: "offset=\(offset)&follow=\(follow)") { bytes in
                Console.write(filters ? Self.harmless(bytes) : bytes)
            }
        }
    }

    private func show(_ logs: [LogEntry]) {
        let cells = logs.map { log in
            [
                log.run == 0 ? "-" : "\(log.run)", log.started.rfc3339, "\(log.bytes)", log.isFailed ? "failed" : "",
                log.isCompressed ? "compressed" : "", log.id,
            ]
        }
        Console.say(TextTable.render(["RUN", "STARTED", "BYTES", "RESULT", "KEPT", "ID"], cells))
    }

    /// Bytes without what a terminal obeys; line ends, returns and tabs stay.
    private static func harmless(_ bytes: [UInt8]) -> [UInt8] {
        bytes.map { byte in
            (byte < 0x20 && ![0x09, 0x0A, 0x0D].contains(byte)) || byte == 0x7F ? UInt8(ascii: "?") : byte
        }
    }
}
