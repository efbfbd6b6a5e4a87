// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// Measures; every figure stands next to a reference of the same run.
@main
enum KuiperBench {
    static func main() {
        // A server that goes away is an error of a call, not the end of this process.
        signal(SIGPIPE, SIG_IGN)
        do {
            try run(try BenchArguments(Array(CommandLine.arguments.dropFirst())))
        } catch let failure as BenchFailure {
            Console.complain("kuiper-bench: \(failure.message)")
            exit(failure.exitCode)
        } catch {
            Console.complain("kuiper-bench: \(error)")
            exit(1)
        }
    }

    private static func run(_ arguments: BenchArguments) throws {
        switch arguments.action {
        case .help: Console.say(BenchArguments.help)
        case .list:
            for scenario in Catalog.all {
                Console.say(scenario.name.padded(to: 16) + scenario.summary)
            }
        case .measure(let names): try measure(names, arguments)
        }
    }

    private static func measure(_ names: [String], _ arguments: BenchArguments) throws {
        #if DEBUG
        throw BenchFailure("this is a debug build, whose figures mean nothing: build with -c release", exitCode: 64)
        #else
        let machine = MachineDescription.current()
        Console.say(machine.text)
        let context = BenchContext(rounds: arguments.rounds, pluto: arguments.pluto)
        var rows: [ResultRow] = []
        for scenario in Catalog.all where names.isEmpty || names.contains(scenario.name) {
            Console.say("==> \(scenario.name): \(scenario.summary)")
            let found = try scenario.run(context)
            rows += found
            Console.say(TextTable.text(of: found))
        }
        let report = BenchReport(machine: machine, rounds: arguments.rounds, rows: rows)
        if let path = arguments.json { try report.json().write(toFile: path) }
        if let path = arguments.markdown { try report.writeMarkdown(toFile: path) }
        #endif
    }
}
