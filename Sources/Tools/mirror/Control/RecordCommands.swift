// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import MirrorWire

struct SetSizeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set-size", abstract: "Tell the manager the size of a mirror, such as 1.5T.")

    @Argument(help: "The mirror.")
    var mirror: String

    @Argument(help: "The size, as people write it.")
    var size: String

    @OptionGroup var target: WorkerOption
    @OptionGroup var options: ControlOptions

    func run() async throws {
        try await options.run { client in
            var worker = target.worker
            if worker.isEmpty { worker = try await MirrorLookup.find(mirror, worker: "", client).worker }
            let reply = try await client.ask(
                "POST", ["workers", worker, "jobs", mirror, "size"],
                body: SizeUpdate(name: mirror, size: size).jsonLine)
            let stored = try MirrorStatus(json: reply.body)
            guard stored.size == size else {
                throw ControlFailure("the manager kept the size \(Console.plain(stored.size))")
            }
            Console.say("Successfully updated mirror size to \(Console.plain(stored.size))\n")
        }
    }
}

struct RemoveWorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm-worker", abstract: "Let the manager forget a worker that is gone.")

    @Option(name: [.short, .long], help: "The worker.")
    var worker: String

    @OptionGroup var options: ControlOptions

    func run() async throws {
        try await options.run { client in
            _ = try await client.ask("DELETE", ["workers", worker])
            Console.say("Successfully removed the worker\n")
        }
    }
}

struct FlushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flush", abstract: "Let the manager forget all mirrors that are disabled.")

    @OptionGroup var options: ControlOptions

    func run() async throws {
        try await options.run { client in
            _ = try await client.ask("DELETE", ["jobs", "disabled"])
            Console.say("Successfully flushed disabled jobs\n")
        }
    }
}

/// Finds a mirror's row, so that nobody needs to name the worker when there is one only.
enum MirrorLookup {
    /// All rows of a manager of ours.
    static func rows(_ client: ManagerClient) async throws -> [MirrorRow] {
        try [MirrorRow](
            json: await client.ask("GET", ["api", "v1", "mirrors"]).body, limits: ManagerClient.limits)
    }

    /// Finds a mirror.
    ///
    /// - Parameters:
    ///   - name: the mirror.
    ///   - worker: its worker; empty when there is one only.
    ///   - client: a manager of ours.
    /// - Returns: its row.
    /// - Throws: ``ControlFailure`` when there is none, or more than one.
    static func find(_ name: String, worker: String, _ client: ManagerClient) async throws -> MirrorRow {
        try await client.needsOurs("does not say which worker has a mirror: give it with -w")
        let found = try await rows(client).filter { $0.web.name == name && (worker.isEmpty || $0.worker == worker) }
        guard let first = found.first else {
            throw ControlFailure(
                "there is no mirror \"\(Console.plain(name))\"" + (worker.isEmpty ? "" : " on \(Console.plain(worker))")
            )
        }
        guard found.count == 1 else {
            let workers = found.map(\.worker).sorted().map(Console.plain).joined(separator: ", ")
            throw ControlFailure("\(Console.plain(name)) is on \(workers): give one with -w")
        }
        return first
    }
}
