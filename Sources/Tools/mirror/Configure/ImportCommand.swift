// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import Logging
internal import MirrorConfig
internal import MirrorManager
internal import MirrorWire
internal import NodeSupport
internal import SyncJobs

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take over what a running manager knows, tunasync's or ours, into the records of a manager of ours.",
        discussion: """
            Asks the running manager for its workers and their mirrors and writes them, with all their times, where the \
            configuration of the new manager says, which must not run meanwhile. Then stop the old manager, start the new one \
            at its address, and workers of both kinds go on: paused mirrors stay paused, and none runs only because the \
            manager is new.

            Exit codes: 0 all is taken over; 1 the running manager cannot be asked, or the records cannot be written; 64 wrong \
            arguments; 78 wrong configuration.
            """)

    @Option(
        help: ArgumentHelp("The running manager, such as http://127.0.0.1:14242.", valueName: "url"))
    var from: String

    @Option(
        name: [.short, .long], help: ArgumentHelp("The new manager's configuration file.", valueName: "file"),
        completion: .file())
    var config: String

    @Option(
        help: ArgumentHelp(
            "A PEM file with the authorities that may sign the running manager's certificate.", valueName: "file"),
        completion: .file())
    var caCert: String?

    @Option(
        help: ArgumentHelp("A file with the token to show the running manager.", valueName: "file"), completion: .file()
    )
    var tokenFile: String?

    @Flag(help: "Overwrite what the new manager knows already.")
    var overwrite = false

    @Flag(help: "Say what would be taken over, and write nothing.")
    var dryRun = false

    func run() async throws {
        do {
            let (configuration, _) = try ManagerConfigReader.load(path: config)
            let address = try ControlAddress.find(
                config: nil, manager: from, port: nil, authorities: caCert, tokenFile: tokenFile)
            let found = try await ManagerClient.open(address, Self.ask)
            try await write(found, configuration.settings)
        } catch let error as WireError {
            try Failure.report("the manager's answer cannot be read: \(error.message)", code: .refused)
        } catch let error as StoreError {
            try Failure.report("\(error)", code: .refused)
        } catch {
            try Failure.exit(with: error)
        }
    }

    /// What a manager knows.
    private struct Found: Sendable {
        var workers: [Worker] = []
        var mirrors: [MirrorStatus] = []
    }

    private static func ask(_ client: ManagerClient) async throws -> Found {
        var found = Found()
        found.workers = try [Worker](json: await client.ask("GET", ["workers"]).body, limits: ManagerClient.limits)
        for worker in found.workers {
            let reply = try await client.ask("GET", ["workers", worker.id, "jobs"])
            found.mirrors += try [MirrorStatus](json: reply.body, limits: ManagerClient.limits)
        }
        return found
    }

    private func write(_ found: Found, _ settings: ManagerSettings) async throws {
        let store = try await ManagerStores.open(settings.database)
        do {
            let known = try await store.load()
            var batch = StoreBatch(keptRuns: settings.historyRuns)
            var skipped: [String] = []
            let knownWorkers = Set(known.workers.map(\.worker.id))
            for worker in found.workers {
                if knownWorkers.contains(worker.id), !overwrite { continue }
                var worker = worker
                // A manager does not tell tokens: the worker's next registration does.
                worker.token = ""
                batch.workers[worker.id] = WorkerRecord(worker: worker)
            }
            let knownMirrors = Set(known.mirrors.map(\.key))
            for status in found.mirrors {
                let key = MirrorKey(name: status.name, worker: status.worker)
                // tunasync may have records without a name, and with a slash in it.
                guard JobName(status.name) != nil else {
                    skipped.append("\"\(status.name)\" on \(status.worker): this cannot be a mirror's name")
                    continue
                }
                guard overwrite || !knownMirrors.contains(key) else {
                    skipped.append("\(status.name) on \(status.worker): the new manager knows it; give --overwrite")
                    continue
                }
                add(status, key, to: &batch)
            }
            if !dryRun { try await store.apply(batch) }
            for line in skipped { Console.complain(Console.plain("left out \(line)") + "\n") }
            let verb = dryRun ? "would take over" : "took over"
            Console.say("\(verb) \(batch.mirrors.count) mirrors of \(batch.workers.count) workers\n")
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }

    /// A mirror, and its last run as the beginning of a history.
    private func add(_ status: MirrorStatus, _ key: MirrorKey, to batch: inout StoreBatch) {
        batch.mirrors[key] = MirrorRecord(status: status)
        guard [.success, .failed].contains(status.status), !status.lastStarted.isNever, !status.lastEnded.isNever else {
            return
        }
        batch.runs.append(
            StoreBatch.Run(
                key: key,
                record: RunRecord(
                    name: status.name, run: 0, started: status.lastStarted, ended: status.lastEnded,
                    state: status.status, attempts: 0, size: status.size, message: status.errorMessage)))
    }
}
