// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import Testing

extension Live {
    /// What the program says about itself, and about arguments and files that it cannot use.
    @Suite("Command line") struct CommandLine {
        private let folder: TemporaryDirectory

        init() throws { folder = try TemporaryDirectory() }

        private static let helpTexts: [([String], [String])] = [
            (["--help"], ["demo", "hash-password", "Exit codes"]),
            (
                ["demo", "--help"],
                [
                    "--directory", "--users", "--imap ", "--imaps ", "--metrics", "--log-level",
                    "--allow-insecure-auth",
                    "./var/demo", "127.0.0.1:1143", "127.0.0.1:1993",
                ]
            ),
            (["hash-password", "--help"], ["standard input", "users file"]),
        ]

        @Test(arguments: helpTexts)
        func helpNamesWhatThereIs(arguments: [String], words: [String]) throws {
            let run = try pluto(arguments)
            #expect(run.ending == .exited(0))
            for word in words { #expect(run.output.contains(word), "no \(word) in:\n\(run.output)") }
        }

        private static let badOptions: [([String], Int32, [String])] = [
            (["demo", "--imapz", "127.0.0.1:0"], 64, ["--imapz"]),
            (["demo", "extra"], 64, ["extra"]),
            (["dance"], 64, ["dance"]),
            (["demo", "--imap", "nonsense"], 78, ["nonsense"]),
            (["demo", "--imap", "127.0.0.1:70000"], 78, ["70000"]),
            (["demo", "--metrics", "127.0.0.1"], 78, ["127.0.0.1"]),
            (["demo", "--log-level", "loud"], 78, ["loud", "notice"]),
            (["demo", "--users", "/nonexistent/users"], 78, ["/nonexistent/users"]),
            (["demo", "--directory", "/dev/null/mail"], 73, ["/dev/null"]),
        ]

        @Test(arguments: badOptions)
        func refusesBadOptionsWithAReason(arguments: [String], code: Int32, words: [String]) throws {
            let isDirectoryGiven = arguments.contains("--directory") || arguments == ["dance"]
            let run = try pluto(arguments + (isDirectoryGiven ? [] : ["--directory", folder.file("mail")]))
            #expect(run.ending == .exited(code), "\(run.output)")
            for word in words { #expect(run.output.contains(word), "no \(word) in:\n\(run.output)") }
            #expect(!run.output.contains("ready "))
        }

        @Test(arguments: [
            ("alice;wonderland\nbob\n", 2),
            ("# users\n\nalice;wonderland\nalice;other-secret\n", 4),
            ("alice;wonderland\nbob;\n", 2),
            (";wonderland\n", 1),
            ("alice;{SCRYPT}broken-secret\n", 1),
            ("alice;{ROT13}broken-secret\n", 1),
            ("alice;won\u{7}derland\n", 1),
        ])
        func refusesABadUsersFileWithItsLine(text: String, line: Int) throws {
            let users = try folder.write("users", text)
            let run = try pluto(["demo", "--directory", folder.file("mail"), "--users", users])
            #expect(run.ending == .exited(78), "\(run.output)")
            #expect(run.output.contains("\(users):\(line):"), "\(run.output)")
            for secret in ["wonderland", "secret"] { #expect(!run.output.contains(secret), "\(run.output)") }
        }

        @Test func hashedPasswordsWorkInAUsersFile() throws {
            let run = try pluto(["hash-password"], input: "wonder land\n")
            #expect(run.ending == .exited(0), "\(run.output)")
            let hash = String(run.output.prefix { !$0.isNewline })
            #expect(hash.hasPrefix("{SCRYPT}") && !hash.contains("wonder"))
            #expect(
                try pluto(["hash-password"], input: "wonder land\n").output != run.output, "the salt is new each time")

            let server = try PlutoServer(
                directory: folder.file("mail"), users: [("alice", hash), ("bob", "{PLAIN}{odd}")],
                options: ["--allow-insecure-auth"])
            #expect(try RawIMAPClient(port: server.imapPort).command("LOGIN alice \"wonder land\"").isOK)
            #expect(try RawIMAPClient(port: server.imapPort).command("LOGIN bob \"{odd}\"").isOK)
            let wrong = try RawIMAPClient(port: server.imapPort).command("LOGIN alice wonderland")
            #expect(wrong.status == "NO" && wrong.code == "AUTHENTICATIONFAILED", "\(wrong)")
            // The hash is not the password.
            #expect(try RawIMAPClient(port: server.imapPort).command("LOGIN alice \"\(hash)\"").status == "NO")
            try server.stop()
        }

        @Test func refusesToHashNoPassword() throws {
            #expect(try pluto(["hash-password"]).ending == .exited(64))
            #expect(try pluto(["hash-password"], input: "\n").ending == .exited(64))
        }

        private func pluto(
            _ arguments: [String], input: String = ""
        ) throws -> (ending: ChildProcess.Ending, output: String) {
            try ChildProcess.run([PlutoServer.executable] + arguments, folder: folder.path, input: input)
        }
    }
}
