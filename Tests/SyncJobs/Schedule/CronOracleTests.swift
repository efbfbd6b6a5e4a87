// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import SyncJobs

/// Expressions against a clock that is read minute by minute.
@Suite("Cron expressions and a clock")
struct CronOracleTests {
    /// One field: what is written, and the numbers that it means.
    private struct Field {
        var text: String
        var numbers: Set<Int>
        var isOpen: Bool { text.hasPrefix("*") }

        static func random(_ range: ClosedRange<Int>, openness: Int, _ generator: inout SeededGenerator) -> Field {
            let all = Set(range)
            if Int.random(in: 0..<100, using: &generator) < openness { return Field(text: "*", numbers: all) }
            var texts: [String] = []
            var numbers: Set<Int> = []
            for _ in 0..<Int.random(in: 1...2, using: &generator) {
                let low = Int.random(in: range, using: &generator)
                let high = Int.random(in: low...range.upperBound, using: &generator)
                let step = Int.random(in: 1...7, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0:
                    texts.append("*/\(step)")
                    numbers.formUnion(stride(from: range.lowerBound, through: range.upperBound, by: step))
                case 1:
                    texts.append("\(low)-\(high)/\(step)")
                    numbers.formUnion(stride(from: low, through: high, by: step))
                case 2:
                    texts.append("\(low)-\(high)")
                    numbers.formUnion(low...high)
                default:
                    texts.append("\(low)")
                    numbers.insert(low)
                }
            }
            return Field(text: texts.joined(separator: ","), numbers: numbers)
        }
    }

    private struct Fields {
        var minute, hour, day, month, weekday: Field

        init(_ generator: inout SeededGenerator) {
            minute = .random(0...59, openness: 10, &generator)
            hour = .random(0...23, openness: 30, &generator)
            day = .random(1...31, openness: 60, &generator)
            month = .random(1...12, openness: 80, &generator)
            weekday = .random(0...6, openness: 60, &generator)
        }

        var text: String { [minute, hour, day, month, weekday].map(\.text).joined(separator: " ") }

        func match(_ local: Int64) -> Bool {
            let clock = CivilTime(localSeconds: local)
            let isDay = day.numbers.contains(clock.day)
            let isWeekday = weekday.numbers.contains(
                CivilTime.weekday(dayNumber: local.flooredQuotient(86_400)))
            return minute.numbers.contains(Int(clock.secondOfDay / 60 % 60))
                && hour.numbers.contains(Int(clock.secondOfDay / 3_600)) && month.numbers.contains(clock.month)
                && (day.isOpen || weekday.isOpen ? isDay && isWeekday : isDay || isWeekday)
        }
    }

    /// All times in a stretch, found by reading the clock in each minute.
    private func oracle(_ fields: Fields, _ zone: TimeZoneRules, _ stretch: Range<Int64>) -> [Int64] {
        var found: [Int64] = []
        let day: Int64 = 2 * 86_400
        var former = stretch.lowerBound - day + zone.segment(at: stretch.lowerBound - day).offset.seconds
        var latest = former
        for moment in stride(from: stretch.lowerBound - day + 60, to: stretch.upperBound, by: 60) {
            let local = moment + zone.segment(at: moment).offset.seconds
            var isDue = fields.match(local)
            if !fields.hour.isOpen {
                if local <= latest { isDue = false }
                var skipped = former + 60
                while skipped < local, !isDue {
                    isDue = skipped > latest && fields.match(skipped)
                    skipped += 60
                }
            }
            if isDue, moment >= stretch.lowerBound { found.append(moment) }
            former = local
            latest = max(latest, local)
        }
        return found
    }

    @Test("times are those of a clock that is read each minute, over changes of the clock", arguments: ZoneFiles.names)
    func timesAreThoseOfAClock(name: String) throws {
        let zone = try ZoneFiles.zone(name)
        let changes = ZoneFiles.changes(zone, from: 2_005, to: 2_045)
        for run in 0..<UInt64(Effort.runs(300)) {
            let seed = run &* 1_000_003 &+ UInt64(name.utf8.count)
            var generator = SeededGenerator(seed: seed)
            let around = changes.randomElement(using: &generator) ?? 1_789_999_980
            let start = around - Int64.random(in: 1...1_440, using: &generator) * 60
            let fields = Fields(&generator)
            let stretch = start..<start + 3 * 86_400
            let expected = oracle(fields, zone, stretch)
            let expression: CronExpression
            do throws(JobError) {
                expression = try CronExpression(fields.text)
            } catch {
                if error.message.contains("never matches") { continue }
                Issue.record("seed \(seed): \(error)")
                return
            }
            var actual: [Int64] = []
            var time = JobTime(seconds: start - 1)
            while let next = expression.next(after: time, in: zone), next.seconds < stretch.upperBound {
                actual.append(next.seconds)
                time = next
            }
            guard actual == expected else {
                let missing = Set(expected).symmetricDifference(actual).sorted().map {
                    zone.text(of: JobTime(seconds: $0))
                }
                Issue.record("seed \(seed): \(fields.text) in \(name) from \(start) differs at \(missing.prefix(5))")
                return
            }
        }
    }
}
