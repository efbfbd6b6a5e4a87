// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import BenchKit
import Testing

@Suite("Arguments of a benchmark")
struct ArgumentTests {
    private static let option = BenchOption("--pluto", "PATH", "a server")

    private static func parse(_ words: String...) throws -> BenchArguments {
        try BenchArguments(words, scenarios: ["one", "two"], peers: ["redis"], ownOptions: [option])
    }

    private static func failure(_ words: String...) -> BenchFailure? {
        do throws(BenchFailure) {
            _ = try BenchArguments(words, scenarios: ["one", "two"], peers: ["redis"], ownOptions: [option])
            return nil
        } catch { return error }
    }

    @Test func nothingMeansAllScenariosInFiveRounds() throws {
        let arguments = try Self.parse()
        #expect(arguments.action == .measure([]))
        #expect(arguments.rounds == 5)
        #expect(arguments.json == nil)
    }

    @Test func allOptionsAreRead() throws {
        let arguments = try Self.parse(
            "two", "--rounds", "9", "--json", "a.json", "--markdown", "a.md", "--require-peer", "redis", "--pluto", "p",
            "one")
        #expect(arguments.action == .measure(["two", "one"]))
        #expect(arguments.rounds == 9)
        #expect(arguments.json == "a.json")
        #expect(arguments.markdown == "a.md")
        #expect(arguments.requiredPeers == ["redis"])
        #expect(arguments.options == ["--pluto": "p"])
    }

    @Test func theCommandInAReportNamesNoFileOfTheMachine() throws {
        let arguments = try Self.parse("one", "--pluto", "/home/me/pluto", "--json", "x/", "--require-peer", "redis")
        let command = arguments.command(of: "probe", measuring: ["one"], ownOptions: [Self.option])
        #expect(command == "probe one --rounds 5 --require-peer redis --pluto PATH")
    }

    @Test func helpAndListNeedNothingElse() throws {
        #expect(try Self.parse("--help").action == .help)
        #expect(try Self.parse("--list").action == .list)
    }

    @Test func anUnknownScenarioIsRefusedWithTheNamesOfAll() throws {
        let failure = try #require(Self.failure("three"))
        #expect(failure.exitCode == 64)
        #expect(failure.message == "no scenario or option three; the scenarios are one, two")
    }

    @Test(
        "wrong values are refused in one line",
        arguments: [
            ["--rounds", "2"], ["--rounds", "100"], ["--rounds", "many"], ["--rounds"], ["--json"],
            ["--json", "--list"],
            ["--require-peer", "oracle"], ["--pluto", ""], ["--unknown"],
        ])
    func wrongValuesAreRefused(words: [String]) throws {
        let failure = try #require(
            throws: BenchFailure.self,
            performing: {
                try BenchArguments(words, scenarios: ["one"], peers: ["redis"], ownOptions: [Self.option])
            })
        #expect(failure.exitCode == 64)
        #expect(!failure.message.contains("\n"))
    }
}
