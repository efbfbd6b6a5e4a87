// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import FoundationEssentials
internal import MirrorConfig
internal import NodeSupport

/// What a configuration file is for.
enum ConfigurationKind: String, ExpressibleByArgument, CaseIterable {
    case worker
    case manager
    case ctl

    /// Finds out what a file is for by the tables and keys that only one kind has.
    ///
    /// - Parameter path: the file.
    /// - Returns: nothing when it could be anything.
    static func guess(_ path: String) -> ConfigurationKind? {
        // What cannot be read is told by the reader, with its line.
        guard let bytes = try? BoundedFile.read(path: path, limit: TOMLDocument.maximumBytes),
            let root = TOMLDocument.parse(bytes, report: ConfigReport(file: path)), case .table(let values) = root.kind
        else { return nil }
        let keys = Set(values.keys.map { $0.lowercased() })
        if !keys.isDisjoint(with: ["mirrors", "manager", "global", "include", "cgroup", "docker"]) { return .worker }
        if !keys.isDisjoint(with: ["manager_addr", "manager_port"]) { return .ctl }
        if !keys.isDisjoint(with: ["files", "tokens", "webhooks", "mirrorz", "server"]) { return .manager }
        return nil
    }
}

struct LintCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint",
        abstract: "Say everything that is wrong or doubtful in configuration files, with file and line.",
        discussion: """
            Reads files of workers, managers and control clients, and what they include, and does nothing else. Each \
            problem is a line FILE:LINE: error: REASON; warnings and notes do not keep a file from being used. \
            docs/mirror-configuration.md has every key.

            Exit codes: 0 all files can be used; 1 a file cannot; 64 wrong arguments.
            """)

    @Option(
        help: ArgumentHelp(
            "What the files are for: worker, manager or ctl; without it each file shows it by what is in it.",
            valueName: "kind"))
    var kind: ConfigurationKind?

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(help: "Take warnings for errors.")
    var strict = false

    @Argument(help: "The files.", completion: .file())
    var files: [String]

    func run() async throws {
        var problems: [ConfigProblem] = []
        for file in files {
            switch kind ?? ConfigurationKind.guess(file) ?? .worker {
            case .worker: problems += WorkerConfigReader.read(path: file).problems
            case .manager: problems += ManagerConfigReader.read(path: file).problems
            case .ctl: problems += ControlConfig.read(files: [], named: file).problems
            }
        }
        let result = LintResult(problems)
        Console.say(json ? try Self.encode(result) : result.text)
        guard result.isUsable, !strict || result.warningCount == 0 else { throw ExitCode(Failure.refused.rawValue) }
    }

    /// A document for programs.
    static func encode(_ document: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(document), as: UTF8.self) + "\n"
    }
}

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Say what a worker's reload would change, and where each value is written.",
        discussion: """
            Compares the file that is in force with the one that is to be: which mirrors come, go and change, which runs \
            would begin again, and what takes effect with the next start only. No secret is shown.

            Exit codes: 0 compared, whatever the result; 2 compared, and something changes (with --exit-code); 64 wrong \
            arguments; 78 a file cannot be used.
            """)

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(help: "End with 2 when something changes.")
    var exitCode = false

    @Argument(help: "The configuration that is in force.", completion: .file())
    var old: String

    @Argument(help: "The configuration that is to be.", completion: .file())
    var new: String

    func run() async throws {
        let plan = ReloadPlan(old: try read(old), new: try read(new))
        Console.say(json ? try LintCommand.encode(plan) : plan.text)
        if exitCode, !plan.isEmpty { throw ExitCode(2) }
    }

    private func read(_ file: String) throws -> WorkerConfiguration {
        let (configuration, problems) = WorkerConfigReader.read(path: file)
        guard let configuration else {
            for problem in problems where problem.severity == .error { Console.complain("\(problem)\n") }
            try Failure.report("\(file) cannot be used", code: .configuration)
        }
        return configuration
    }
}
