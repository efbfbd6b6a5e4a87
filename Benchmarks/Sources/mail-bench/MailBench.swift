// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// Measures mail servers as their users see them: over IMAP with TLS, as processes of their own.
@main
enum MailBench {
    static func main() async {
        await BenchProgram(
            name: "mail-bench", scenarios: scenarios, peers: [Dovecot.peer],
            options: [PlutoBuild.option, Duel.formatOption] + Evaluation.options
        ).main()
    }

    // Computed: the compiler (6.3.1) crashes on the conversion of functions in a stored one.
    private static var scenarios: [Scenario] {
        [
            Scenario("server.append", "mails stored in a second, beside Dovecot") { try ServerAppend.run($0) },
            Scenario("server.commands", "the time of each command, beside Dovecot") { try ServerCommands.run($0) },
            Scenario("server.select", "opening a mailbox of 100 and of 100,000 messages, beside Dovecot") {
                try ServerSelect.run($0)
            },
            Scenario("server.memory", "memory for each idle session over TLS, beside Dovecot") {
                try ServerMemory.run($0)
            },
            Scenario("server.formats", "which of Dovecot's formats is the fastest when all is durable") {
                try ServerFormats.run($0)
            },
            Scenario(FailOver.name, "sessions of a region whose worker was killed") { try FailOver.run($0) },
            Scenario("opodis.one", "the OPODIS workload in one of two regions, beside Dovecot dsync") {
                try Evaluation.one($0)
            },
            Scenario("opodis.two", "the OPODIS workload in two regions, beside Dovecot dsync") {
                try Evaluation.two($0)
            },
            Scenario("opodis.three", "the OPODIS workload in three regions") { try Evaluation.three($0) },
        ]
    }
}
