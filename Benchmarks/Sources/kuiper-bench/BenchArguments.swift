// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What the command line asks for.
struct BenchArguments {
    enum Action: Equatable {
        case help
        case list
        /// The scenarios of these names; all when there are none.
        case measure([String])
    }

    static let help = """
        usage: kuiper-bench [SCENARIO...] [--rounds N] [--json FILE] [--markdown FILE] [--pluto PATH]
               kuiper-bench --list | --help

        Runs the named scenarios, or all, and prints a table. In each round the subject and its reference run in turns;
        a ratio compares the two of one round. When the reference itself varies by more than 20 %, there is no verdict.

          --rounds N        rounds for each figure, 3 to 99 (5)
          --json FILE       also write everything as JSON
          --markdown FILE   also write the table as Markdown
          --pluto PATH      a release build of pluto to measure; without it, one is built
        """

    private(set) var action: Action
    private(set) var rounds = 5
    private(set) var json: String?
    private(set) var markdown: String?
    private(set) var pluto: String?

    init(_ words: [String]) throws {
        var names: [String] = []
        var rest = words[...]
        action = .measure([])
        while let word = rest.popFirst() {
            switch word {
            case "--help", "-h":
                action = .help
                return
            case "--list":
                action = .list
                return
            case "--rounds":
                guard let count = Int(try Self.value(of: word, &rest)), (3...99).contains(count) else {
                    throw BenchFailure("--rounds takes a whole number from 3 to 99", exitCode: 64)
                }
                rounds = count
            case "--json": json = try Self.value(of: word, &rest)
            case "--markdown": markdown = try Self.value(of: word, &rest)
            case "--pluto": pluto = try Self.value(of: word, &rest)
            default:
                guard Catalog.all.contains(where: { $0.name == word }) else {
                    let known = Catalog.all.map(\.name).joined(separator: ", ")
                    throw BenchFailure("no scenario or option \(word); the scenarios are \(known)", exitCode: 64)
                }
                names.append(word)
            }
        }
        action = .measure(names)
    }

    private static func value(of option: String, _ rest: inout ArraySlice<String>) throws -> String {
        guard let value = rest.popFirst(), !value.isEmpty else {
            throw BenchFailure("\(option) takes a value", exitCode: 64)
        }
        return value
    }
}

/// Why nothing can be measured, for a person.
struct BenchFailure: Error {
    let message: String
    let exitCode: Int32

    init(_ message: String, exitCode: Int32 = 1) {
        self.message = message
        self.exitCode = exitCode
    }
}
