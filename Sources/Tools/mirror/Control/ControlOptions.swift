// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import MirrorConfig
internal import MirrorWire

/// What all sub-commands of `mirror ctl` are told.
struct ControlOptions: ParsableArguments {
    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "A configuration file, laid over those that are always read.", valueName: "file"),
        completion: .file())
    var config: String?

    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "The manager: a host name, or a URL such as https://mirrors.example.org.", valueName: "manager"))
    var manager: String?

    @Option(name: [.short, .long], help: "The manager's port.")
    var port: UInt16?

    @Option(
        help: ArgumentHelp(
            "A PEM file with the authorities that may sign the manager's certificate; without it a host name means HTTP.",
            valueName: "file"), completion: .file())
    var caCert: String?

    @Option(
        help: ArgumentHelp("A file with the token to show, nothing else in it.", valueName: "file"), completion: .file()
    )
    var tokenFile: String?

    @Flag(name: [.short, .long], help: "Say more.")
    var verbose = false

    @Flag(help: "Say everything.")
    var debug = false

    /// Does something with the manager.
    ///
    /// - Parameter body: what to do.
    /// - Throws: the exit code, when what went wrong has been said.
    func run(_ body: (ManagerClient) async throws -> Void) async throws {
        do {
            let address = try ControlAddress.find(
                config: config, manager: manager, port: port, authorities: caCert, tokenFile: tokenFile)
            if verbose || debug { Console.complain("the manager is \(address.baseURL)\n") }
            try await ManagerClient.open(address, body)
        } catch let error as WireError {
            try Failure.report("the manager's answer cannot be read: \(error.message)", code: .refused)
        } catch {
            try Failure.exit(with: error)
        }
    }
}

/// The worker of a command; our managers find it by themselves when one worker only has the mirror.
struct WorkerOption: ParsableArguments {
    @Option(name: [.short, .long], help: "The worker; not needed when only one has the mirror.")
    var worker = ""
}

/// Words that a command is given for a mirror.
struct MirrorArguments: ParsableArguments {
    @Argument(help: "The mirror.")
    var mirror: String

    @Argument(help: .hidden)
    var arguments: String?

    /// The words, which tunasync separates by commas and carries.
    var words: [String]? { arguments.map { $0.split(separator: ",").map(String.init) } }
}
