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
    }

    @Test func aSteadyReferenceGivesAVerdict() {
        #expect(Self.row(reference: [10, 11, 12]).targets[0].verdict(on: Self.row(reference: [10, 11, 12])) == .met)
        let slow = Self.row(reference: [5, 5, 5])
        #expect(slow.hasVerdict)
        #expect(slow.targets[0].verdict(on: slow) == .missed)
    }

    @Test func aReferenceThatSpreadsByMoreThanAFifthGivesNoVerdict() {
        let row = Self.row(reference: [10, 10, 12.5])
        #expect(!row.hasVerdict)
        #expect(row.targets[0].verdict(on: row) == .none)
        #expect(TextTable.text(of: [row]).contains("25.0 %, no verdict"))
        #expect(TextTable.text(of: [row]).contains("<= 3.00 times: no verdict"))
        // A figure does not depend on the reference.
        let figure = row.target(.figure, .atMost, 20)
        #expect(figure.targets[1].verdict(on: figure) == .met)
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
        #expect(lines == [["what", "figure", "unit"], ["memory", "3.00", "MiB"]])
    }

    @Test func aReportComesBackFromJSON() throws {
        var report = BenchReport(program: "probe", command: "probe one", machine: Self.machine, rounds: 5)
        report.add(
            Scenario("one", "a question", run: { _ in [] }),
            [
                Self.row(reference: [10, 11, 12]).at("messages", 1_000, "apply").bytes(8),
                .absent("one", "redis", "not there"),
            ])
        let json = try report.json()
        #expect(try BenchReport(json: json) == report)
        #expect(try BenchReport(json: json).json() == json)
    }

    @Test func markdownHasTheCommandAndTheMachine() {
        var report = BenchReport(program: "probe", command: "probe one", machine: Self.machine, rounds: 5)
        report.add(Scenario("one", "a question", run: { _ in [] }), [Self.row(reference: [10, 10, 10])])
        let text = report.markdown()
        #expect(text.contains("Command: `probe one`. 5 rounds"))
        #expect(text.contains("load 0.10 0.20 0.30 before, 1.00 1.00 1.00 afterwards, commit abc"))
        #expect(text.contains("\n### one: a question\n"))
    }

    @Test func aPageChangesBetweenItsMarksAlone() {
        let page = "before\n<!-- begin x -->\nold\n<!-- end x -->\nafter\n"
        let new = MarkedPage.replace(in: page, between: "x", with: "new\n")
        #expect(new == "before\n<!-- begin x -->\n\nnew\n\n<!-- end x -->\nafter\n")
        #expect(MarkedPage.replace(in: page, between: "y", with: "new") == nil)
    }
}
