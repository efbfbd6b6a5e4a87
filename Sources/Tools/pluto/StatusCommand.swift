// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import NodeSupport
internal import PlutoService

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Ask all nodes of a cluster how they stand: peers, lag, epochs, conflicts, UIDs.",
        discussion: """
            Asks every node of the configuration that serves metrics (PrometheusAddr), so it needs no rights of its own. \
            The exit code is 0 when all is well, 1 when a node does not answer or has something to worry about.
            """)

    @Option(
        name: [.long, .customLong("config", withSingleDash: true)], help: "The configuration file of the cluster.",
        completion: .file(extensions: ["toml"]))
    var config = "config.toml"

    @Flag(help: "Print JSON instead of tables.")
    var json = false

    func run() async throws {
        do {
            let configuration = try ClusterConfiguration.load(path: config).configuration
            let nodes = configuration.statusAddresses
            guard !nodes.isEmpty else {
                throw NodeError(
                    .statusUnusable, "\(config): no node has a PrometheusAddr, so there is nobody to ask; add some")
            }
            let report = await StatusClient.ask(nodes)
            Console.say(json ? try report.json() + "\n" : report.table())
            if !report.worries.isEmpty { throw ExitCode(1) }
        } catch {
            try Failure.exit(with: error)
        }
    }
}
