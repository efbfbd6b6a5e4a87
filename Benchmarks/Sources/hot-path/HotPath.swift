// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import Glibc

/// Runs the hot paths of replication once, for a profiler to look at: generate, encode, decode, apply, between two replicas in one thread.
///
/// `Benchmarks/profile` runs it under callgrind and writes where the instructions go into the documentation.
@main
enum HotPath {
    private static let help = """
        usage: hot-path [--operations N] [--users N]

        Carries out N commands (100000) of N users (100) with 20 mailboxes each: half APPEND, 30 % STORE, 20 % EXPUNGE.
        Each 1,024 make a frame, which a second replica receives and applies. Ends with status 1 if the two differ.
        """

    static func main() {
        var operations = 100_000
        var users = 100
        var rest = CommandLine.arguments.dropFirst()
        while let word = rest.popFirst() {
            switch (word, rest.first.flatMap { Int($0) }) {
            case ("--help", _):
                print(help)
                return
            case ("--operations", .some(let count)) where count > 0: operations = count
            case ("--users", .some(let count)) where (1...100_000).contains(count): users = count
            default:
                complain("hot-path: \(word): see --help")
                exit(64)
            }
            rest = rest.dropFirst()
        }
        do {
            let writer = try Writer(users: users)
            let reader = try Reader()
            for payload in try writer.prepare() { try reader.take(payload) }
            var done = 0
            while done < operations {
                let count = min(1_024, operations - done)
                for payload in try writer.generate(count) { try reader.take(payload) }
                done += count
            }
            guard writer.digest == reader.digest(of: users) else { throw BenchFailure("the replicas differ") }
            print("\(operations) operations of \(users) users: the replicas agree")
        } catch {
            complain("hot-path: \(error)")
            exit(1)
        }
    }

    private static func complain(_ text: String) {
        var line = text + "\n"
        line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
