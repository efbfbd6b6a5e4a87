// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import NodeSupport
internal import PlutoService

struct CheckConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Say everything that is wrong with a configuration file, with lines, and do nothing else.",
        discussion: """
            Each problem is a line FILE:LINE: error: REASON, or warning. The exit code is 0 when the file can be used, \
            warnings or not, and 78 when it cannot. docs/configuration.md has every key.
            """)

    @Option(
        name: [.long, .customLong("config", withSingleDash: true)], help: "The configuration file.",
        completion: .file(extensions: ["toml"]))
    var config = "config.toml"

    @Flag(help: "Do not look at the certificates and other files that the configuration names.")
    var withoutFiles = false

    func run() async throws {
        do {
            let (found, problems) = try ClusterConfiguration.examine(path: config, looksAtFiles: !withoutFiles)
            for problem in problems { Console.complain("\(problem)\n") }
            guard let found else { throw ExitCode(Failure.configuration.rawValue) }
            Console.say("\(config): \(found.summary)\n")
        } catch let error as NodeError {
            let (code, message) = Failure.of(error)
            try Failure.report(message, code: code)
        }
    }
}
