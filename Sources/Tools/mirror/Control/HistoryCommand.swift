// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import MirrorWire
internal import SyncJobs

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Show the last runs of a mirror, the newest first.")

    @Option(name: [.customShort("n"), .long], help: "How many.")
    var limit = 20

    @Flag(help: "Print JSON.")
    var json = false

    @Argument(help: "The mirror.")
    var mirror: String

    @OptionGroup var target: WorkerOption
    @OptionGroup var options: ControlOptions

    func validate() throws {
        guard (1...10_000).contains(limit) else { throw ValidationError("--limit must be from 1 to 10000.") }
    }

    func run() async throws {
        try await options.run { client in
            try await client.needsOurs("keeps no history")
            let row = try await MirrorLookup.find(mirror, worker: target.worker, client)
            let reply = try await client.ask(
                "GET", ["api", "v1", "mirrors", row.worker, mirror, "history"], query: "limit=\(limit)")
            let runs = try [RunRecord](json: reply.body, limits: ManagerClient.limits)
            if json { return Console.say(PrettyJSON.indent(runs.json) + "\n") }
            let cells = runs.map { run in
                [
                    run.run == 0 ? "-" : "\(run.run)", run.started.rfc3339, run.state.rawValue,
                    run.ended.isNever ? "-" : TimeText.span(run.ended.seconds - run.started.seconds),
                    "\(run.attempts)", run.size, run.message,
                ]
            }
            Console.say(TextTable.render(["RUN", "STARTED", "STATE", "TOOK", "TRIES", "SIZE", "MESSAGE"], cells))
        }
    }
}

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say why a mirror runs, waits or does not run.")

    @Flag(help: "Print JSON.")
    var json = false

    @Argument(help: "The mirror.")
    var mirror: String

    @OptionGroup var target: WorkerOption
    @OptionGroup var options: ControlOptions

    func run() async throws {
        try await options.run { client in
            try await client.needsOurs("does not know why")
            let row = try await MirrorLookup.find(mirror, worker: target.worker, client)
            let reply = try await client.ask("GET", ["api", "v1", "mirrors", row.worker, mirror, "explain"])
            let answer = try ExplanationAnswer(json: reply.body)
            if json { return Console.say(PrettyJSON.indent(answer.json) + "\n") }
            var lines = ["\(mirror) on \(row.worker) is \(answer.state.rawValue): \(answer.text)"]
            if !answer.by.isEmpty { lines.append("  by     \(answer.by)") }
            if !answer.since.isNever { lines.append("  since  \(answer.since.rfc3339)") }
            if !answer.until.isNever { lines.append("  until  \(answer.until.rfc3339)") }
            Console.say(lines.map { Console.plain($0) + "\n" }.joined())
        }
    }
}
