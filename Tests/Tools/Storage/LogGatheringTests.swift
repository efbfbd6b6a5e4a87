// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Storage
import Testing

@Suite struct LogGatheringTests {
    /// A log without a disk: units are tickets, and time passes when it is told to.
    private struct Bench {
        var gathering = LogGathering()
        var next: UInt64 = 1
        var now = ContinuousClock.now
        let sync = Duration.milliseconds(1)
        /// Whether the writer waited, after each commit.
        var waits: [Bool] = []

        /// Ends a commit.
        mutating func commit(of units: Int, queued: Int = 0) {
            waits.append(gathering.begin(after: units, queued: queued, next: next, sync: sync, now: now) != nil)
        }

        /// Appends units.
        ///
        /// - Returns: whether the writer was woken by one for which it waited.
        @discardableResult
        mutating func append(_ count: Int, after pause: Duration = .zero) -> Bool {
            now += pause
            var isAwaited = false
            for _ in 0..<count {
                isAwaited = gathering.appended(next, now: now) == true || isAwaited
                next += 1
            }
            return isAwaited
        }

        /// Ends the wait, if there is one.
        mutating func endWait(after pause: Duration = .zero) {
            now += pause
            gathering.end(next: next)
        }

        /// Waits in vain until there are no more waits.
        mutating func loseHope() {
            while waits.last != false {
                commit(of: 20)
                endWait(after: sync)
            }
            waits = []
        }
    }

    @Test func waitsForNineTenthsOfACrowd() {
        var bench = Bench()
        bench.append(20)
        bench.commit(of: 20)
        #expect(bench.waits == [true])
        let isWokenEarly = bench.append(17)
        #expect(!isWokenEarly && !bench.gathering.isComplete(next: bench.next))
        let isWoken = bench.append(1)
        #expect(isWoken && bench.gathering.isComplete(next: bench.next))
    }

    @Test func doesNotWaitForAFewOrForThoseWhoAreThere() {
        var bench = Bench()
        bench.commit(of: 4)
        bench.commit(of: 1, queued: 3)
        bench.commit(of: 2, queued: 18)
        #expect(bench.waits == [false, false, false])
        bench.commit(of: 3, queued: 17)
        #expect(bench.waits.last == true)
    }

    @Test func waitsAsLongAsASynchronisationTakesWithinBounds() {
        let now = ContinuousClock.now
        let cases: [(sync: Duration, wait: Duration?)] = [
            (.microseconds(60), nil), (LogGathering.slowSync, LogGathering.slowSync),
            (.milliseconds(2), .milliseconds(2)), (.seconds(1), LogGathering.limit),
        ]
        for (sync, wait) in cases {
            var gathering = LogGathering()
            let time = gathering.begin(after: 20, queued: 0, next: 1, sync: sync, now: now)
            #expect(time == wait)
        }
    }

    @Test func aBusyMachineIsNotTakenForASlowDisk() {
        var gathering = LogGathering()
        let now = ContinuousClock.now
        var times: [Duration?] = []
        for microseconds in [60, 5_000, 70, 5_000, 5_000, 65, 5_000] {
            let sync = Duration.microseconds(microseconds)
            times.append(gathering.begin(after: 20, queued: 0, next: 1, sync: sync, now: now))
        }
        #expect(times.allSatisfy { $0 == nil })
        // A disk that has become slow is known for it after some commits.
        for _ in 0..<40 {
            times.append(gathering.begin(after: 20, queued: 0, next: 1, sync: .milliseconds(2), now: now))
        }
        #expect(times.last == .milliseconds(2))
    }

    @Test func givesUpWhenNobodyComesBack() {
        var bench = Bench()
        // A node that replicates in frames: sixty-four units, and nothing before they are acknowledged.
        for _ in 0..<100 {
            bench.append(64, after: .milliseconds(5))
            bench.commit(of: 64)
            bench.endWait(after: bench.sync)
        }
        #expect(bench.waits.count { $0 } == LogGathering.patience)
    }

    @Test func keepsWaitingForACrowdThatIsMissedNowAndThen() {
        var bench = Bench()
        for round in 0..<100 {
            bench.commit(of: 20)
            // Two of three waits bring less than half.
            bench.append(round % 3 == 2 ? 10 : 2, after: .microseconds(500))
            bench.endWait(after: .microseconds(500))
        }
        #expect(bench.waits.allSatisfy { $0 })
    }

    @Test func waitsAgainAsSoonAsUnitsWouldHaveComeInTime() {
        var bench = Bench()
        bench.loseHope()
        bench.commit(of: 20)
        // Half of the eighteen is nine, and the ninth comes when the time is over.
        bench.append(8, after: .microseconds(500))
        bench.append(1, after: .milliseconds(1))
        bench.commit(of: 20)
        bench.append(9, after: .microseconds(900))
        bench.commit(of: 20)
        #expect(bench.waits == [false, false, true])
        // One more wait in vain is enough to give up again.
        bench.endWait(after: bench.sync)
        bench.commit(of: 20)
        #expect(bench.waits.last == false)
    }

    @Test func watchesOverCommitsThatFollowAtOnce() {
        var bench = Bench()
        bench.loseHope()
        bench.commit(of: 20)
        // Without a wait the crowd comes in two parts, of which each finds the other's commit under way.
        bench.append(5, after: .microseconds(300))
        bench.commit(of: 5)
        bench.append(5, after: .microseconds(300))
        bench.commit(of: 20)
        #expect(bench.waits == [false, false, true])
    }
}
