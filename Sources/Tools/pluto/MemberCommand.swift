// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import NodeSupport
internal import PlutoService

struct MemberCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "member", abstract: "List, add or remove the members of a replication group.",
        discussion: """
            Asks a node that runs on this machine, as its own user; the change is an operation that reaches all members.
            """,
        subcommands: [List.self, Add.self, Remove.self])

    /// Which node to ask about which group.
    struct Target: ParsableArguments {
        @Option(
            name: [.long, .customLong("config", withSingleDash: true)], help: "The configuration file of the cluster.",
            completion: .file(extensions: ["toml"]))
        var config = "config.toml"

        @Option(help: "The node on this machine to ask; not needed when only one runs.")
        var node: String?

        @Option(help: "The group; not needed when the node is in one only.")
        var group: String?

        func ask(_ request: MemberRequest) async throws {
            do {
                let configuration = try ClusterConfiguration.load(path: config).configuration
                let path = try configuration.controlSocket(node: node, group: group)
                let (group, members) = try await ControlClient.ask(request, path: path)
                Console.say(MemberReport.table(group: group, members))
            } catch {
                try Failure.exit(with: error)
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the members.")
        @OptionGroup var target: Target

        func run() async throws { try await target.ask(.list) }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a node take part, or change its addresses.")
        @Argument(help: "The node's name, as its certificate has it.") var name: String
        @Argument(help: "HOST:PORT at which the node takes links of the group.") var addresses: [String]
        @OptionGroup var target: Target

        func run() async throws { try await target.ask(.add(name: name, addresses: addresses)) }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a node take part no longer.")
        @Argument(help: "The node's name.") var name: String
        @OptionGroup var target: Target

        func run() async throws { try await target.ask(.remove(name: name)) }
    }
}
