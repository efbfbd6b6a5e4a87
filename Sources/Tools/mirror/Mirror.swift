// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser

/// Runs mirror jobs: manager, worker, control client.
@main
struct Mirror: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mirror",
        abstract: "Keeps mirrors of other sites in sync, for years.",
        discussion: """
            Start with `mirror demo`: it runs a manager, a worker and an rsync server with sample content on this \
            machine and prints the address of the web page.

            A worker runs the jobs that its configuration file describes and tells a manager about them. A manager \
            keeps what many workers tell it, serves the web page, and passes commands on. `mirror ctl` gives the \
            commands. Configuration files, wire and command lines of tunasync 0.10 are understood as they are: \
            programs of both may be mixed.

            Exit codes: 0 ended as asked; 1 ctl: the manager or worker refused, or cannot be reached; lint, plan: see \
            their help; 64 wrong arguments; 69 an address or service is not available; 70 internal error, or services \
            that did not stop in time; 73 cannot create a file; 75 another process took this worker's place or uses its \
            directory; 78 wrong configuration.
            """,
        version: MirrorVersion.current,
        subcommands: [
            ManagerCommand.self, WorkerCommand.self, ControlCommand.self, LintCommand.self, PlanCommand.self,
            ImportCommand.self, DemoCommand.self,
        ])

    /// Long options with one dash, which tunasync's programs take too, are put into our words first.
    static func main() async {
        await main(OriginalArguments.translate(Array(CommandLine.arguments.dropFirst())))
    }
}

/// The version that `--version`, workers and managers tell.
enum MirrorVersion {
    static let current = "0.1.0"
}
