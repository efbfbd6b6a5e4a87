// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Foundation

/// A command-line program that answers questions with figures.
///
/// It reads the arguments, refuses what cannot give trustworthy figures, runs the scenarios one after the other, prints
/// a table for each, writes JSON and Markdown, and tidies up, also after SIGINT, SIGTERM and SIGHUP.
public struct BenchProgram {
    /// The program's name.
    public let name: String
    /// Its questions, in the order in which they are asked.
    public let scenarios: [Scenario]
    /// Other software that it can measure beside ours.
    public let peers: [BenchPeer]
    /// Options that only this program has.
    public let options: [BenchOption]
    private let refusesDebugBuild: Bool

    /// A program.
    ///
    /// - Parameters:
    ///   - name: the program's name.
    ///   - scenarios: its questions, in the order in which they are asked.
    ///   - peers: other software that it can measure beside ours.
    ///   - options: options that only this program has.
    ///   - refusesDebugBuild: false only for a program that measures nothing, such as one that a test interrupts.
    public init(
        name: String, scenarios: [Scenario], peers: [BenchPeer] = [], options: [BenchOption] = [],
        refusesDebugBuild: Bool = true
    ) {
        (self.name, self.scenarios, self.peers, self.options) = (name, scenarios, peers, options)
        self.refusesDebugBuild = refusesDebugBuild
    }

    /// Does what the command line asks for and ends the process.
    ///
    /// - Parameter words: the words of the command line without the program's name.
    public func main(_ words: [String] = Array(CommandLine.arguments.dropFirst())) async -> Never {
        // A peer that goes away is an error of a call, not the end of this process.
        signal(SIGPIPE, SIG_IGN)
        let cleanup = Cleanup()
        var exitCode: Int32 = 0
        do {
            try cleanup.runOnInterrupt()
            try await run(words, cleanup)
        } catch let failure as BenchFailure {
            cleanup.waitIfInterrupted()
            Console.complain("\(name): \(failure.message)")
            exitCode = failure.exitCode
        } catch {
            cleanup.waitIfInterrupted()
            Console.complain("\(name): \(error)")
            exitCode = 1
        }
        cleanup.run()
        exit(exitCode)
    }

    private func run(_ words: [String], _ cleanup: Cleanup) async throws {
        let arguments = try BenchArguments(
            words, scenarios: scenarios.map(\.name), peers: peers.map(\.name), ownOptions: options)
        switch arguments.action {
        case .help: Console.say(help)
        case .list:
            let width = scenarios.map(\.name.count).max() ?? 0
            for scenario in scenarios { Console.say(scenario.name.padded(to: width + 2) + scenario.summary) }
        case .measure(let names):
            if refusesDebugBuild && Self.isDebugBuild {
                throw BenchFailure(
                    "this is a debug build, whose figures mean nothing: build with -c release", exitCode: 64)
            }
            try await measure(scenarios.filter { names.isEmpty || names.contains($0.name) }, arguments, cleanup)
        }
    }

    private func measure(
        _ chosen: [Scenario], _ arguments: BenchArguments, _ cleanup: Cleanup
    ) async throws {
        var absences: [String: String] = [:]
        for peer in peers { absences[peer.name] = peer.absence(cleanup) }
        for peer in arguments.requiredPeers {
            if let reason = absences[peer] {
                throw BenchFailure("the peer \(peer) is required: \(reason)", exitCode: 69)
            }
        }
        let output = try ReportWriter(arguments)
        let context = BenchContext(
            rounds: arguments.rounds, cleanup: cleanup, options: arguments.options, absences: absences)
        var machine = try MachineDescription.current(cleanup: cleanup)
        for option in options where option.namesProgram && arguments.options[option.name] != nil {
            machine.commit = machine.commit.map { "\($0) (\(option.name): a program of unknown origin)" }
        }
        Console.say(machine.text)
        func command(_ scenarios: [Scenario]) -> String {
            arguments.command(of: name, measuring: scenarios.map(\.name), ownOptions: options)
        }
        var whole = BenchReport(program: name, command: command(chosen), machine: machine, rounds: arguments.rounds)
        var failures: [BenchFailure] = []
        for scenario in chosen {
            Console.say("==> \(scenario.name): \(scenario.summary)")
            machine.loadBefore = MachineDescription.load()
            let start = Stopwatch.nanoseconds(CLOCK_MONOTONIC)
            let rows: [ResultRow]
            do { rows = try await scenario.run(context) } catch {
                cleanup.waitIfInterrupted()
                let failure = error as? BenchFailure ?? BenchFailure("\(error)")
                failures.append(BenchFailure("\(scenario.name): \(failure.message)", exitCode: failure.exitCode))
                // The other scenarios do not depend on this one; what went wrong is said when they are through.
                if chosen.count > 1 { Console.complain("\(name): \(scenario.name): \(failure.message)") }
                continue
            }
            let seconds = (Stopwatch.nanoseconds(CLOCK_MONOTONIC) - start) / 1e9
            machine.loadAfter = MachineDescription.load()
            Console.say(TextTable.text(of: rows))
            Console.say("==> \(scenario.name) took \(TextTable.number(seconds)) s\n")
            var one = BenchReport(
                program: name, command: command([scenario]), machine: machine, rounds: arguments.rounds)
            one.add(scenario, rows, seconds: seconds)
            whole.add(scenario, rows, seconds: seconds)
            whole.machine.loadAfter = machine.loadAfter
            try output.write(one, of: scenario)
            failures += rows.filter(\.hasFailed).map { row in
                BenchFailure(
                    "\(scenario.name): \(row.subject): \(row.objection ?? "failures") of \(row.attempts ?? 0), which is too many"
                )
            }
        }
        try output.write(whole)
        guard let first = failures.first else { return }
        let others = failures.count > 1 ? " (and \(failures.count - 1) more)" : ""
        throw BenchFailure(first.message + others, exitCode: first.exitCode)
    }

    private static var isDebugBuild: Bool {
        #if DEBUG
        true
        #else
        false
        #endif
    }

    /// The usage.
    var help: String {
        var lines = [
            "usage: \(name) [SCENARIO...] [OPTION...]", "       \(name) --list | --help", "",
            "Runs the named scenarios, or all, and prints a table for each. In each round the subject and its reference run",
            "in turns; a ratio compares the two of one round. There is no verdict on what has fewer than 5 rounds, when those of",
            "the subject or of its reference differ by more than 20 %, or when anything was refused or lost. When a scenario",
            "fails, or more than 1 % of its steps, the exit code says so in the end. Temporary files are in the folder that",
            "TMPDIR names.", "",
        ]
        var known: [(String, String)] = [
            ("--rounds N", "rounds for each figure, 3 to 99 (5)"),
            ("--json PATH", "also write JSON: a file, or a folder that gets a file for each scenario"),
            ("--markdown FILE", "also write the tables as Markdown"),
        ]
        if !peers.isEmpty {
            known.append(
                (
                    "--require-peer NAME",
                    "an error instead of a line when it is absent: \(peers.map(\.name).joined(separator: ", "))"
                ))
        }
        known += options.map { ("\($0.name) \($0.value)", $0.help) }
        let width = known.map(\.0.count).max() ?? 0
        lines += known.map { "  \($0.0.padded(to: width + 2))\($0.1)" }
        return lines.joined(separator: "\n")
    }
}
