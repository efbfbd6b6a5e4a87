// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import MirrorWire
internal import SyncJobs

struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List mirrors: of some workers, or all.",
        discussion: """
            Prints JSON: what the manager's /jobs has with --all, else the fuller records of the workers. --format \
            prints a line for each mirror instead, --table a table for people.

            A format is a template as Go writes it: text with {{.Name}}, {{.Status}} and so on. The fields are \
            \(RowTemplate.fields).

            Try:

                mirror ctl list --all --status failed,syncing --table
                mirror ctl list worker-1 --format '{{.Name}}: {{.ErrorMsg}}'
            """)

    @Flag(name: [.short, .long], help: "All mirrors of all workers.")
    var all = false

    @Option(
        name: [.short, .long], parsing: .singleValue,
        help: ArgumentHelp("Only mirrors in these states, separated by commas.", valueName: "states"))
    var status: [String] = []

    @Option(
        name: [.short, .long], help: ArgumentHelp("Print a line for each mirror by a template.", valueName: "template"))
    var format: String?

    @Flag(help: "Print a table.")
    var table = false

    @Flag(help: "Print JSON, as without any of these.")
    var json = false

    @Argument(help: "Workers.")
    var workers: [String] = []

    @OptionGroup var options: ControlOptions

    func validate() throws {
        guard all || !workers.isEmpty else { throw ValidationError("Name at least one worker, or give --all.") }
        guard !all || workers.isEmpty else { throw ValidationError("Give workers or --all, not both.") }
        guard [format != nil, table, json].count(where: { $0 }) <= 1 else {
            throw ValidationError("Give one of --format, --table and --json.")
        }
        _ = try states()
    }

    func run() async throws {
        try await options.run { client in
            let template = try format.map { text throws(ControlFailure) in try RowTemplate(text) }
            if table {
                try await printTable(client)
            } else if all {
                let jobs = try [WebStatus](json: await client.ask("GET", ["jobs"]).body, limits: ManagerClient.limits)
                try show(jobs.filter { shows($0.status) }, template)
            } else {
                try show(try await records(client), template)
            }
        }
    }

    private func show<Row: TemplateRow & WireDocument>(_ rows: [Row], _ template: RowTemplate?) throws {
        guard let template else { return Console.say(PrettyJSON.indent(rows.json) + "\n") }
        for row in rows {
            let line = try template.render(row)
            Console.say((Console.isTerminal ? Console.plain(line) : line) + "\n")
        }
    }

    private func records(_ client: ManagerClient) async throws -> [MirrorStatus] {
        var records: [MirrorStatus] = []
        for worker in workers {
            let reply = try await client.ask("GET", ["workers", worker, "jobs"])
            records += try [MirrorStatus](json: reply.body, limits: ManagerClient.limits).filter { shows($0.status) }
        }
        return records
    }

    private func printTable(_ client: ManagerClient) async throws {
        let isOurs = try await client.isOurs()
        var rows: [MirrorStatus]
        if isOurs {
            rows = try await MirrorLookup.rows(client).map(\.record)
            if !all { rows.removeAll { !workers.contains($0.worker) } }
            rows.removeAll { !shows($0.status) }
        } else if all {
            // tunasync's list of all mirrors does not say whose they are: its workers' lists do.
            rows = []
            let workers = try [Worker](json: await client.ask("GET", ["workers"]).body, limits: ManagerClient.limits)
            for worker in workers {
                let reply = try await client.ask("GET", ["workers", worker.id, "jobs"])
                rows += try [MirrorStatus](json: reply.body, limits: ManagerClient.limits).filter { shows($0.status) }
            }
        } else {
            rows = try await records(client)
        }
        rows.sort { ($0.name, $0.worker) < ($1.name, $1.worker) }
        let cells = rows.map { row in
            [
                row.status.rawValue, row.name, row.worker, TimeText.age(row.lastUpdate), row.size,
                TimeText.until(row.nextSchedule), row.status == .success ? "" : row.errorMessage,
            ]
        }
        Console.say(TextTable.render(["STATE", "MIRROR", "WORKER", "LAST SUCCESS", "SIZE", "NEXT", "ERROR"], cells))
    }

    private func shows(_ state: JobState) -> Bool {
        // validate() has refused what is no state.
        guard let states = try? states() else { return false }
        return states.isEmpty || states.contains(state)
    }

    private func states() throws -> Set<JobState> {
        var states: Set<JobState> = []
        for name in status.flatMap({ $0.split(separator: ",") }) {
            guard let state = JobState(rawValue: String(name)) else {
                let names = JobState.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("\"\(name)\" is no state; the states are \(names).")
            }
            states.insert(state)
        }
        return states
    }
}

struct WorkersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workers", abstract: "List the workers that the manager knows.",
        discussion: "Prints JSON; --table prints a table, which from our managers says who is online.")

    @Flag(help: "Print a table.")
    var table = false

    @OptionGroup var options: ControlOptions

    func run() async throws {
        try await options.run { client in
            guard table else {
                let reply = try await client.ask("GET", ["workers"])
                let workers = try [Worker](json: reply.body, limits: ManagerClient.limits)
                return Console.say(PrettyJSON.indent(workers.json) + "\n")
            }
            if try await client.isOurs() {
                let reply = try await client.ask("GET", ["api", "v1", "workers"])
                let cells = try [WorkerRow](json: reply.body, limits: ManagerClient.limits).map { row in
                    [
                        row.id, row.isOnline ? "online" : "offline", "\(row.mirrors)", "\(row.queued)",
                        TimeText.age(row.lastOnline), row.isLegacy ? "tunasync" : row.version, row.url,
                    ]
                }
                Console.say(
                    TextTable.render(["WORKER", "STATE", "MIRRORS", "WAITING", "SEEN", "VERSION", "URL"], cells))
            } else {
                let reply = try await client.ask("GET", ["workers"])
                let cells = try [Worker](json: reply.body, limits: ManagerClient.limits).map { worker in
                    [worker.id, TimeText.age(worker.lastOnline), TimeText.age(worker.lastRegister), worker.url]
                }
                Console.say(TextTable.render(["WORKER", "SEEN", "REGISTERED", "URL"], cells))
            }
        }
    }
}

extension MirrorRow {
    /// The row as a record of the mirror.
    var record: MirrorStatus {
        MirrorStatus(
            name: web.name, worker: worker, isMaster: web.isMaster, status: web.status, lastUpdate: web.lastUpdate,
            lastStarted: web.lastStarted, lastEnded: web.lastEnded, nextSchedule: web.nextSchedule,
            upstream: web.upstream, size: web.size, errorMessage: errorMessage)
    }
}
