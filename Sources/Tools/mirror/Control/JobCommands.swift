// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import MirrorWire

/// Sends commands as both kinds of manager want them.
enum JobCommander {
    /// Gives a command.
    ///
    /// - Parameters:
    ///   - command: the command; its worker may be empty for a manager of ours.
    ///   - client: the manager.
    /// - Throws: ``ControlFailure`` with the reason of the manager or the worker.
    static func send(_ command: ClientCommand, to client: ManagerClient) async throws {
        if try await client.isOurs() {
            _ = try await client.ask("POST", ["api", "v1", "commands"], body: command.jsonLine)
        } else {
            guard !command.worker.isEmpty else {
                throw ControlFailure("tunasync's manager must be told the worker: give it with -w")
            }
            var command = command
            // What a worker of tunasync does not know it takes for "start", which here is what is meant.
            if !command.verb.isKnownToTunasync { command.verb = .start }
            _ = try await client.ask("POST", ["cmd"], body: command.jsonLine)
        }
        Console.say("Successfully send the command\n")
    }
}

struct StartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Run a mirror as soon as a slot is free; ends its pause.")

    @Flag(name: [.short, .long], help: "Now, past all limits and time windows.")
    var force = false

    @OptionGroup var job: MirrorArguments
    @OptionGroup var target: WorkerOption
    @OptionGroup var options: ControlOptions

    func run() async throws {
        try await options.run { client in
            let command = ClientCommand(
                verb: .start, mirror: job.mirror, worker: target.worker, arguments: job.words,
                options: force ? ["force": true] : [:])
            try await JobCommander.send(command, to: client)
        }
    }
}

struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "End a mirror's run and pause the mirror until it is started or enabled.")

    @OptionGroup var job: MirrorArguments
    @OptionGroup var target: WorkerOption
    @OptionGroup var options: ControlOptions

    func run() async throws { try await job.send(.stop, target, options) }
}

struct DisableCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disable", abstract: "Take a mirror out of the schedule, also across restarts.")

    @OptionGroup var job: MirrorArguments
    @OptionGroup var target: WorkerOption
    @OptionGroup var options: ControlOptions

    func run() async throws { try await job.send(.disable, target, options) }
}

struct EnableCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable", abstract: "Let a paused or disabled mirror run by its schedule again.",
        discussion: "Workers and managers of tunasync have no such command: there the mirror is started.")

    @OptionGroup var job: MirrorArguments
    @OptionGroup var target: WorkerOption
    @OptionGroup var options: ControlOptions

    func run() async throws { try await job.send(.enable, target, options) }
}

struct RestartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart", abstract: "End a mirror's run, if there is one, and begin again.")

    @OptionGroup var job: MirrorArguments
    @OptionGroup var target: WorkerOption
    @OptionGroup var options: ControlOptions

    func run() async throws { try await job.send(.restart, target, options) }
}

struct PingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ping", abstract: "See whether the worker of a mirror answers.",
        discussion: "On workers of tunasync a ping takes the mirror out of the schedule until it is started.")

    @OptionGroup var job: MirrorArguments
    @OptionGroup var target: WorkerOption
    @OptionGroup var options: ControlOptions

    func run() async throws { try await job.send(.ping, target, options) }
}

struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", abstract: "Let a worker read its configuration again.",
        discussion: "`mirror plan OLD NEW` says what that changes.")

    @Option(name: [.short, .long], help: "The worker.")
    var worker: String

    @OptionGroup var options: ControlOptions

    func run() async throws {
        try await options.run { client in
            try await JobCommander.send(ClientCommand(verb: .reload, mirror: "", worker: worker), to: client)
        }
    }
}

extension MirrorArguments {
    /// Gives a command without options of its own.
    fileprivate func send(_ verb: CommandVerb, _ target: WorkerOption, _ options: ControlOptions) async throws {
        try await options.run { client in
            let command = ClientCommand(
                verb: verb, mirror: mirror, worker: target.worker, arguments: words, options: [:])
            try await JobCommander.send(command, to: client)
        }
    }
}
