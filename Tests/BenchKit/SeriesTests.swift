// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import BenchKit
import Testing

@Suite("Series and comparisons")
struct SeriesTests {
    @Test func aMedianIsTheValueInTheMiddle() {
        #expect(Series([3, 1, 2]).median == 2)
        #expect(Series([4, 1, 2, 3]).median == 2.5)
        #expect(Series().median == nil)
    }

    @Test func percentilesAreValuesThatWereMeasured() {
        let series = Series((1...100).map(Double.init))
        #expect(series.percentile(50) == 50)
        #expect(series.percentile(99) == 99)
        #expect(series.percentile(99.9) == 100)
        #expect(series.percentile(0) == 1)
        #expect(Series().percentile(50) == nil)
    }

    @Test func theFirstRoundIsThrownAwayAndTheOthersTakeTurns() {
        var calls: [String] = []
        let comparison = Comparison(
            rounds: 2,
            subject: {
                calls.append("subject")
                return Cost(wall: Double(calls.count), cpu: 6)
            },
            reference: {
                calls.append("reference")
                return Cost(wall: 2, cpu: 3)
            })
        #expect(calls == ["subject", "reference", "subject", "reference", "subject", "reference"])
        #expect(comparison.costs(.wall).values == [3, 5])
        #expect(comparison.ratios(.wall).values == [1.5, 2.5])
        #expect(comparison.ratios(.cpu).values == [2, 2])
    }

    @Test func eachReferenceIsComparedWithTheSubjectOfItsRound() throws {
        var cost = 0.0
        let found = try Comparison.run(
            rounds: 3,
            subject: {
                cost += 1
                return Cost(wall: cost, cpu: cost)
            }, references: [{ Cost(wall: 1, cpu: 1) }, { Cost(wall: cost, cpu: cost) }])
        #expect(found.map { $0.ratios(.cpu).values } == [[2, 3, 4], [1, 1, 1]])
    }

    @Test func aSpreadNeedsTwoValuesAndAMedian() {
        #expect(Series([8, 10, 12]).spread == 0.4)
        #expect(Series([10]).spread == nil)
        #expect(Series([0, 0, 5]).spread == nil)
        #expect(Series().spread == nil)
        #expect(Series([1, 2, 6]).mean == 3)
    }

    @Test(arguments: [[0.0, 1, 1], [1, 1, 0]]) func whatTookNoTimeHasNoRatio(times: [Double]) {
        let (some, others) = (times.map { Cost(wall: $0, cpu: $0) }, times.map { _ in Cost(wall: 1, cpu: 1) })
        #expect(Comparison(subject: some, reference: others).ratios(.wall).median == nil)
        #expect(Comparison(subject: others, reference: some).ratios(.wall).median == nil)
    }
}
