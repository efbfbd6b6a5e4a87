// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import BenchKit
import Testing

@Suite("Reports of a benchmark")
struct ReportTests {
    private static func row(reference: [Double]) -> ResultRow {
        let comparison = Comparison(
            subject: reference.map { _ in Cost(wall: 30, cpu: 20) },
            reference: reference.map { Cost(wall: $0, cpu: $0) })
        return ResultRow("one", "something", comparison, .cpu, reference: "a loop").target(.ratio, .atMost, 3)
    }

    private static let machine = MachineDescription(
        processor: "a processor", cores: 2, memoryGiB: 24, kernel: "6", commit: "abc", syncMicroseconds: 100,
        loadBefore: [0.1, 0.2, 0.3], loadAfter: [1, 1, 1])

    @Test func aRowHasTheMediansAndTheRatio() {
        let row = Self.row(reference: [10, 10, 10])
        #expect(row.value == 20)
        #expect(row.cpuNanoseconds == 20)
        #expect(row.wallNanoseconds == 30)
        #expect(row.ratioMedian == 2)
        #expect(row.referenceNanoseconds == 10)
        #expect(row.operationsPerSecond == 5e7)
        #expect(row.clock == .cpu)
    }

    @Test func steadyRoundsGiveAVerdict() {
        let row = Self.row(reference: [10, 11, 12, 10, 10])
        #expect(row.objection == nil)
        #expect(row.targets[0].verdict(on: row) == .met)
        let slow = Self.row(reference: [5, 5, 5, 5, 5])
        #expect(slow.targets[0].verdict(on: slow) == .missed)
    }

    @Test func aReferenceThatSpreadsByMoreThanAFifthGivesNoVerdict() {
        let row = Self.row(reference: [10, 10, 12.5, 10, 10]).target(.figure, .atMost, 20)
        #expect(!row.hasVerdict)
        #expect(row.targets.map { $0.verdict(on: row) } == [.none, .none])
        let text = TextTable.text(of: [row])
        #expect(text.contains("25.0 %, no verdict"))
        #expect(text.contains("<= 3.00 times: no verdict"))
        #expect(text.contains("(the reference's rounds spread by 25.0 %)"))
    }

    @Test func roundsOfItsOwnThatSpreadByMoreThanAFifthGiveNoVerdict() {
        let row = ResultRow("one", "a rate", Series([10, 10, 10, 10, 13]), "op/s").target(.figure, .atLeast, 5)
        #expect(row.rounds == 5)
        #expect(row.targets[0].verdict(on: row) == .none)
        #expect(TextTable.text(of: [row]).contains("no verdict (the rounds spread by 30.0 %)"))
    }

    @Test func withoutASpreadThereIsNoVerdict() {
        let once = ResultRow("one", "a time", 3, "s").target(.figure, .atMost, 5)
        #expect(once.targets[0].verdict(on: once) == .none)
        #expect(once.objection == "measured once")
        let few = Self.row(reference: [10, 10, 10, 10])
        #expect(few.targets[0].verdict(on: few) == .none)
        #expect(few.objection == "4 rounds")
        let counted = ResultRow.counted("one", "a length", 3, "B").target(.figure, .atMost, 5)
        #expect(counted.targets[0].verdict(on: counted) == .met)
    }

    @Test func aRatioWithoutAReferenceTimeIsNoneInsteadOfAWin() {
        let row = Self.row(reference: [0, 0, 0, 0, 0])
        #expect(row.ratioMedian == nil)
        #expect(row.targets[0].verdict(on: row) == .none)
        let nothing = Comparison(
            subject: [Cost](repeating: .zero, count: 5), reference: [Cost](repeating: Cost(wall: 1, cpu: 1), count: 5))
        let idle = ResultRow("one", "nothing", nothing, .cpu, reference: "a loop").target(.figure, .atMost, 3)
        #expect(idle.value == nil)
        #expect(idle.targets[0].verdict(on: idle) == .none)
    }

    @Test func aRefusedRoundIsNoFigureAndNoVerdict() {
        let steady: [Double?] = [10, 10, 10, 10, 10, 10]
        let row = ResultRow("one", "a command", [1, nil, 1, 1, 1, 1], "ms", reference: "another", steady)
            .target(.ratio, .atMost, 1)
        #expect(row.rounds == 5)
        #expect(row.ratioMedian == 0.1)
        #expect(row.targets[0].verdict(on: row) == .none)
        #expect(row.objection == "1 rounds without a figure")
        let none = ResultRow("one", "a command", [nil, nil, nil, nil, nil], "ms", reference: "another", steady)
        #expect(none.value == nil)
        #expect(none.ratioMedian == nil)
        #expect(TextTable.text(of: [none]).contains("none"))
    }

    @Test func failuresAreNoVerdictAndTooManyAreAnError() {
        let row = Self.row(reference: [10, 10, 10, 10, 10])
        let few = row.failures(refused: 1, lost: 2, of: 1_000)
        #expect(few.targets[0].verdict(on: few) == .none)
        #expect(!few.hasFailed)
        #expect(TextTable.text(of: [few]).contains("no verdict (1 refused, 2 lost)"))
        #expect(row.failures(refused: 11, of: 1_000).hasFailed)
        #expect(row.failures(refused: 1, of: 0).hasFailed)
        let clean = row.failures(refused: 0, of: 1_000)
        #expect(!clean.hasFailed)
        #expect(clean.targets[0].verdict(on: clean) == .met)
        let bytes = ResultRow("one", "frames", 10, "ns/op").bytes(9).target(.bytesPerOperation, .atMost, 10)
        #expect(
            bytes.failures(refused: 1, of: 1_000).targets[0].verdict(on: bytes.failures(refused: 1, of: 9)) == .none)
    }

    @Test func bytesWithoutDigestsAreWhatIsJudged() {
        let row = ResultRow("one", "frames", 10, "ns/op").bytes(25, withoutDigests: 9)
            .target(.bytesPerOperation, .atMost, 10)
        #expect(row.targets[0].verdict(on: row) == .met)
        #expect(TextTable.text(of: [row]).contains("25.0 (9.00)"))
    }

    @Test func anAbsentPeerIsOneLineWithTheReason() {
        let row = ResultRow.absent("crdt.peers", "redis SADD", "there is no redis-server on PATH")
        let text = TextTable.text(of: [row])
        #expect(text.split(separator: "\n").count == 2)
        #expect(text.contains("redis SADD"))
        #expect(text.contains("there is no redis-server on PATH"))
        #expect(Target(.figure, .atMost, 1).verdict(on: row) == .none)
    }

    @Test func columnsWithNothingInThemAreLeftOut() {
        let lines = TextTable.lines(of: [ResultRow("one", "memory", 3, "MiB")])
        #expect(lines == [["what", "figure", "unit", "rounds"], ["memory", "3.00", "MiB", "1"]])
    }

    @Test func aReportComesBackFromJSON() throws {
        var report = BenchReport(program: "probe", command: "probe one", machine: Self.machine, rounds: 5)
        report.add(
            Scenario("one", "a question", run: { _ in [] }),
            [
                Self.row(reference: [10, 11, 12]).at("messages", 1_000, "apply").bytes(8).failures(refused: 1, of: 2),
                .absent("one", "redis", "not there"), .counted("one", "bytes", 3, "B").doubting("a doubt"),
            ], seconds: 1.5)
        let json = try report.json()
        #expect(try BenchReport(json: json) == report)
        #expect(try BenchReport(json: json).json() == json)
    }

    @Test func markdownHasTheCommandAndTheMachine() {
        var report = BenchReport(program: "probe", command: "probe one", machine: Self.machine, rounds: 5)
        report.add(Scenario("one", "a question", run: { _ in [] }), [Self.row(reference: [10, 10, 10])])
        let text = report.markdown()
        #expect(text.contains("Command: `probe one`.\n"))
        #expect(text.contains("load 0.10 0.20 0.30 before, 1.00 1.00 1.00 afterwards, sources of commit abc"))
        #expect(text.contains("\n### one: a question\n"))
    }

    @Test func aPageChangesBetweenItsMarksAlone() {
        let page = "before\n<!-- begin x -->\nold\n<!-- end x -->\nafter\n"
        let new = MarkedPage.replace(in: page, between: "x", with: "new\n")
        #expect(new == "before\n<!-- begin x -->\n\nnew\n\n<!-- end x -->\nafter\n")
        #expect(MarkedPage.replace(in: page, between: "y", with: "new") == nil)
    }

    @Test func emptyMarksAreFound() {
        let page = "<!-- begin x -->\n<!-- end x -->\n<!-- begin y -->\nold\n\n<!-- end y -->\n<!-- begin z -->\n"
        #expect(MarkedPage.names(in: page) == ["x", "y"])
        #expect(MarkedPage.content(of: page, between: "x")?.isEmpty == true)
        #expect(MarkedPage.content(of: page, between: "y") == "old")
        #expect(MarkedPage.content(of: page, between: "z") == nil)
    }
}

@Suite("Plots of a benchmark")
struct PlotTests {
    private static func row(_ size: Double, reference: String = "a set", bytes: Double? = nil) -> ResultRow {
        let comparison = Comparison(
            subject: [Cost(wall: size, cpu: size)], reference: [Cost(wall: 2 * size, cpu: 2 * size)])
        let row = ResultRow("crdt.x", "\(size)", comparison, .cpu, reference: reference).at("messages", size, "apply")
        return bytes.map { row.bytes($0) } ?? row
    }

    @Test func subjectsComeOnceAndEachReferenceIsACurve() throws {
        let rows = [Self.row(10), Self.row(10, reference: "an array"), Self.row(1_000), Self.row(100)]
        let plots = Plot.plots(of: "crdt.x", rows)
        let plot = try #require(plots.first)
        #expect(plots.count == 1)
        #expect(plot.name == "crdt.x-messages-ns-op")
        #expect(plot.curves.map(\.name) == ["apply", "a set", "an array"])
        #expect(plot.curves[0].points.map(\.position) == [10, 100, 1_000])
        #expect(plot.curves[1].points.map(\.value) == [20, 200, 2_000])
    }

    @Test func bytesHaveAPlotOfTheirOwn() {
        let plots = Plot.plots(of: "crdt.x", [Self.row(10, bytes: 8), Self.row(20, bytes: 9)])
        #expect(plots.map(\.unit) == ["ns/op", "B/op"])
        #expect(plots[0].script(writing: "x").contains("set logscale xy\n"))
        #expect(plots[1].script(writing: "x").contains("set logscale x; set yrange [0:*]\n"))
    }

    @Test func oneFigureIsNoPlotAndAnAbsentPeerIsNoFigure() {
        #expect(Plot.plots(of: "crdt.x", [Self.row(10), .absent("crdt.x", "redis", "not there")]).isEmpty)
        #expect(Plot.plots(of: "crdt.x", [ResultRow("crdt.x", "memory", 1, "MiB")]).isEmpty)
    }

    @Test func theScriptQuotesNamesAndHasAllPoints() throws {
        let rows = [Self.row(10, reference: "a friend's set"), Self.row(1_000, reference: "a friend's set")]
        let script = try #require(Plot.plots(of: "crdt.x", rows).first).script(writing: "out.svg")
        #expect(script.contains("set output 'out.svg'"))
        #expect(script.contains("title 'a friend''s set'"))
        #expect(script.contains("set xtics ('10' 10.0, '1 k' 1000.0)"))
        #expect(script.contains("$curve1 << END\n10.0 20.0\n1000.0 2000.0\nEND\n"))
    }
}
