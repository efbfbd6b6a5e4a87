// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import Logging
internal import NodeSupport
internal import PlutoService

/// What all nodes are told on the command line.
struct NodeArguments: ParsableArguments {
    @Option(
        name: [.long, .customLong("config", withSingleDash: true)], help: "The configuration file of the cluster.",
        completion: .file(extensions: ["toml"]))
    var config = "config.toml"

    @Option(
        help: ArgumentHelp(
            "trace, debug, info, notice, warning, error or critical; wins over the configuration. The log goes to standard error as JSON lines."
        ))
    var logLevel: String?

    @Flag(help: .hidden)
    var supervised = false

    /// Reads the configuration and runs a node with it.
    func run(
        _ body: (ClusterConfiguration, [ConfigProblem], RoleOptions) async throws -> Void
    ) async throws {
        do {
            let level = try logLevel.map { text throws(NodeError) in try LogLevel.parse(text) }
            let (configuration, warnings) = try ClusterConfiguration.load(path: config)
            let options = RoleOptions(
                logLevel: level, isSupervised: supervised, version: PlutoVersion.current,
                announce: { Console.say($0) })
            try await body(configuration, warnings, options)
        } catch {
            try Failure.exit(with: error)
        }
    }
}

struct DistributorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "distributor",
        abstract: "Run a distributor: it takes clients and passes them on to where their mail is.",
        discussion: """
            SIGTERM or Ctrl-C ends it. SIGHUP reads the users' file and the certificates again.
            """)

    @Argument(help: "Which distributor of the file; not needed when there is one only.")
    var name: String?

    @OptionGroup var arguments: NodeArguments

    func run() async throws {
        try await arguments.run { configuration, warnings, options in
            try await DistributorNode.run(configuration, warnings: warnings, name: name, options: options)
        }
    }
}

struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Run a worker: it leads for the users of its range in its region.",
        discussion: """
            SIGTERM or Ctrl-C ends it. SIGHUP reads the certificates again.
            """)

    @Argument(help: "The worker's name, or the key of its section.")
    var name: String

    @OptionGroup var arguments: NodeArguments

    func run() async throws {
        try await arguments.run { configuration, warnings, options in
            try await ReplicaNode.runWorker(configuration, warnings: warnings, name: name, options: options)
        }
    }
}

struct StorageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "storage",
        abstract: "Run the storage node: a replica of all users that takes sessions when a worker is gone.",
        discussion: """
            SIGTERM or Ctrl-C ends it. SIGHUP reads the certificates again.
            """)

    @OptionGroup var arguments: NodeArguments

    func run() async throws {
        try await arguments.run { configuration, warnings, options in
            try await ReplicaNode.runStorage(configuration, warnings: warnings, options: options)
        }
    }
}
