// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser

@main
struct Pluto: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pluto",
        abstract: "A mail service whose mailboxes are replicated data types.",
        discussion: """
            Start with `pluto demo`: it runs a complete IMAP server on this machine and prints how to connect.

            Exit codes: 0 ended as asked, 64 wrong arguments, 65 damaged data, 69 a needed service or address is not
            available, 70 internal error, 73 cannot create a file, 75 another process uses the directory, 78 wrong
            configuration.
            """,
        version: PlutoVersion.current,
        subcommands: [DemoCommand.self, CheckConfigCommand.self, PKICommand.self, HashPasswordCommand.self])
}

/// The version that `--version` and IMAP's ID tell.
enum PlutoVersion {
    static let current = "0.1.0"
}
