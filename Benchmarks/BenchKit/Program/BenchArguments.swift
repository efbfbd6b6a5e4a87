// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What the command line asks for.
public struct BenchArguments: Equatable, Sendable {
    /// What to do.
    public enum Action: Equatable, Sendable {
        /// Print the usage.
        case help
        /// Print the scenarios.
        case list
        /// Run the scenarios of these names; all when there are none.
        case measure([String])
    }

    /// How many rounds a figure may have.
    public static let allowedRounds = 3...99

    /// What to do.
    public private(set) var action = Action.measure([])
    /// The rounds of each figure.
    public private(set) var rounds = 5
    /// Where to write JSON: a file, or a folder that gets a file for each scenario.
    public private(set) var json: String?
    /// Where to write the tables as Markdown.
    public private(set) var markdown: String?
    /// Peers without which nothing shall be measured.
    public private(set) var requiredPeers: [String] = []
    /// The values of the program's own options.
    public private(set) var options: [String: String] = [:]

    /// Reads the words of a command line.
    ///
    /// - Parameters:
    ///   - words: the words without the program's name.
    ///   - scenarios: the names of the program's scenarios.
    ///   - peers: the names of the program's peers.
    ///   - ownOptions: the options that only this program has.
    /// - Throws: ``BenchFailure`` with exit code 64.
    public init(
        _ words: [String], scenarios: [String], peers: [String] = [], ownOptions: [BenchOption] = []
    ) throws(BenchFailure) {
        var names: [String] = []
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "--help", "-h":
                action = .help
                return
            case "--list":
                action = .list
                return
            case "--rounds":
                guard let count = Int(try Self.value(of: word, &rest)), Self.allowedRounds.contains(count) else {
                    let (least, most) = (Self.allowedRounds.lowerBound, Self.allowedRounds.upperBound)
                    throw BenchFailure("--rounds takes a whole number from \(least) to \(most)", exitCode: 64)
                }
                rounds = count
            case "--json": json = try Self.value(of: word, &rest)
            case "--markdown": markdown = try Self.value(of: word, &rest)
            case "--require-peer":
                let peer = try Self.value(of: word, &rest)
                guard peers.contains(peer) else {
                    let known = peers.isEmpty ? "this program has none" : "known: \(peers.joined(separator: ", "))"
                    throw BenchFailure("no peer \(peer); \(known)", exitCode: 64)
                }
                requiredPeers.append(peer)
            case _ where ownOptions.contains { $0.name == word }:
                options[word] = try Self.value(of: word, &rest)
            default:
                guard scenarios.contains(word) else {
                    let known = scenarios.joined(separator: ", ")
                    throw BenchFailure("no scenario or option \(word); the scenarios are \(known)", exitCode: 64)
                }
                names.append(word)
            }
        }
        action = .measure(names)
    }

    /// A command that measures the same, without anything that names this machine's files.
    ///
    /// - Parameters:
    ///   - program: the program's name.
    ///   - scenarios: what is measured.
    ///   - ownOptions: the options that only this program has.
    /// - Returns: the command; the value of an option that is a path is the option's name for it.
    public func command(of program: String, measuring scenarios: [String], ownOptions: [BenchOption] = []) -> String {
        var words = [program] + scenarios + ["--rounds", "\(rounds)"]
        for peer in requiredPeers { words += ["--require-peer", peer] }
        for option in ownOptions {
            guard let value = options[option.name] else { continue }
            words += [option.name, value.contains("/") ? option.value : value]
        }
        return words.joined(separator: " ")
    }

    private static func value(of option: String, _ rest: inout ArraySlice<String>) throws(BenchFailure) -> String {
        guard let value = rest.popFirst(), !value.isEmpty, !value.hasPrefix("--") else {
            throw BenchFailure("\(option) takes a value", exitCode: 64)
        }
        return value
    }
}
