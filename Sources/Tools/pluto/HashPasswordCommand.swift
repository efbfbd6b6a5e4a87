// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import Glibc
internal import NodeSupport

struct HashPasswordCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hash-password",
        abstract: "Turn a password into a salted hash for a users file.",
        discussion: """
            Reads the password from the terminal without showing it, or one line from standard input when that is not a \
            terminal, and prints the hash. In a users file it stands where the password would:

                alice;{SCRYPT}ln=14,r=8,p=1$...
            """)

    func run() async throws {
        do {
            let password = try isatty(STDIN_FILENO) == 1 ? Self.ask() : Self.readLineFromInput()
            Console.say(try PasswordHash.make(password: password).text + "\n")
        } catch let error as NodeError {
            try Failure.report(error.message, code: .usage)
        }
    }

    private static func ask() throws -> [UInt8] {
        var old = termios()
        guard tcgetattr(STDIN_FILENO, &old) == 0 else { return try readLineFromInput() }
        var quiet = old
        quiet.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet)
        defer { tcsetattr(STDIN_FILENO, TCSAFLUSH, &old) }
        Console.complain("Password: ")
        let first = try readLineFromInput()
        Console.complain("\nAgain: ")
        let second = try readLineFromInput()
        Console.complain("\n")
        guard first == second else { try Failure.report("the two passwords differ; nothing was made", code: .usage) }
        return first
    }

    private static func readLineFromInput() throws -> [UInt8] {
        guard let line = readLine(strippingNewline: true) else {
            try Failure.report("no password on standard input", code: .usage)
        }
        return Array(line.utf8)
    }
}
