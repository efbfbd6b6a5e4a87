// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import NodeSupport
internal import PlutoService

@main
struct Pluto: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pluto",
        abstract: "A mail service whose mailboxes are replicated data types.",
        discussion: """
            Start with `pluto demo`: it runs a complete IMAP server on this machine and prints how to connect; with \
            --regions 3 a whole cluster. `pluto distributor`, `pluto worker` and `pluto storage` are the nodes of a \
            cluster that a configuration file describes. The original's command lines (-worker NAME -config FILE) work \
            too.

            Exit codes: 0 ended as asked (status: all is well), 1 status: something is not well, 64 wrong arguments, \
            65 damaged data, 69 a needed service or address is not available, 70 internal error, 73 cannot create a \
            file, 75 another process uses the directory, 78 wrong configuration.
            """,
        version: PlutoVersion.current,
        subcommands: [
            DemoCommand.self, DistributorCommand.self, WorkerCommand.self, StorageCommand.self, StatusCommand.self,
            MemberCommand.self, CheckConfigCommand.self, PKICommand.self, HashPasswordCommand.self,
        ])

    /// The command lines of the original are put into our words first.
    static func main() async {
        do throws(NodeError) {
            await main(try OriginalArguments.translate(Array(CommandLine.arguments.dropFirst())))
        } catch {
            Console.complain("pluto: \(error.message)\n")
            exit(withError: ExitCode(Failure.usage.rawValue))
        }
    }
}

/// The version that `--version` and IMAP's ID tell.
enum PlutoVersion {
    static let current = "0.1.0"
}
