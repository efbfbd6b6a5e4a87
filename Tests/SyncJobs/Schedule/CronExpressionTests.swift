// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import SyncJobs

@Suite("Cron expressions")
struct CronExpressionTests {
    /// The next times after a moment, as the zone's clock shows them.
    private func times(_ text: String, after: JobTime, _ zone: TimeZoneRules, _ count: Int) throws -> [String] {
        let expression = try CronExpression(text)
        var times: [String] = []
        var time = after
        while times.count < count, let next = expression.next(after: time, in: zone) {
            times.append(zone.text(of: next))
            time = next
        }
        return times
    }

    @Test(
        "the next time is the first that matches",
        arguments: [
            ("0 3 * * *", "2026-01-01 03:00:00 +0000"),
            ("*/15 * * * *", "2026-01-01 00:15:00 +0000"),
            ("5,10-12 4 * * *", "2026-01-01 04:05:00 +0000"),
            ("0 0 * * *", "2026-01-02 00:00:00 +0000"),
            ("30 6 * * Mon-Fri", "2026-01-01 06:30:00 +0000"),
            ("30 6 * * sat", "2026-01-03 06:30:00 +0000"),
            ("30 6 * * 7", "2026-01-04 06:30:00 +0000"),
            ("30 6 * * 0", "2026-01-04 06:30:00 +0000"),
            ("0 12 29 2 *", "2028-02-29 12:00:00 +0000"),
            ("0 12 31 * *", "2026-01-31 12:00:00 +0000"),
            ("0 12 31 feb,apr,JUN,aug *", "2026-08-31 12:00:00 +0000"),
            ("0 0 13 * fri", "2026-01-02 00:00:00 +0000"),
            ("0 0 */2 * sun", "2026-01-11 00:00:00 +0000"),
            ("59 23 31 12 *", "2026-12-31 23:59:00 +0000"),
            ("0-58/2 10-20/5 * * *", "2026-01-01 10:00:00 +0000"),
            ("0 0 * * fri-sun", "2026-01-02 00:00:00 +0000"),
            ("@yearly", "2027-01-01 00:00:00 +0000"),
            ("@monthly", "2026-02-01 00:00:00 +0000"),
            ("@weekly", "2026-01-04 00:00:00 +0000"),
            ("@daily", "2026-01-02 00:00:00 +0000"),
            ("@Midnight", "2026-01-02 00:00:00 +0000"),
            ("@hourly", "2026-01-01 01:00:00 +0000"),
            ("  0\t3  * * * ", "2026-01-01 03:00:00 +0000"),
        ])
    func findsTheNextTime(text: String, expected: String) throws {
        #expect(try times(text, after: ZoneFiles.utc(2_026, 1, 1), .utc, 1) == [expected])
    }

    @Test("the next time is later than the moment, to the millisecond")
    func theNextTimeIsLater() throws {
        let expression = try CronExpression("0 3 * * *")
        let time = ZoneFiles.utc(2_026, 1, 1, 3)
        #expect(expression.next(after: time, in: .utc) == ZoneFiles.utc(2_026, 1, 2, 3))
        #expect(expression.next(after: time.adding(milliseconds: -1), in: .utc) == time)
        #expect(expression.next(after: JobTime(milliseconds: .max), in: .utc) == JobTime(milliseconds: .max))
        #expect(expression.next(after: JobTime(milliseconds: .min), in: .utc) != nil)
    }

    @Test(
        "what is no expression is refused with the field and the reason",
        arguments: [
            ("", "0 fields"), ("* * * *", "4 fields"), ("* * * * * *", "6 fields"), ("60 * * * *", "minute"),
            ("* 24 * * *", "hour"), ("* * 0 * *", "day of month"), ("* * 32 * *", "day of month"),
            ("* * * 13 *", "month"), ("* * * 0 *", "month"), ("* * * * 8", "day of week"), ("* * * foo *", "month"),
            ("5/10 * * * *", "a step needs"), ("*/0 * * * *", "from 1"), ("5-1 * * * *", "ends before"),
            ("5- * * * *", "no end"), ("5,, * * * *", "write 0 to 59"), ("-5 * * * *", "write 0 to 59"),
            ("*5 * * * *", "something follows"), ("@reboot", "no macro"), ("@daily 5", "no macro"),
            ("0 0 30 2 *", "never matches"), ("0 0 31 4,6,9,11 *", "never matches"),
            ("99999999999 * * * *", "minute"),
        ])
    func refusesWhatIsNoExpression(text: String, reason: String) {
        let error = #expect(throws: JobError.self) { try CronExpression(text) }
        #expect(error?.code == .malformed)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    @Test("long expressions are refused unread")
    func refusesLongExpressions() {
        let error = #expect(throws: JobError.self) {
            try CronExpression(String(repeating: "1,", count: 200) + "1 * * * *")
        }
        #expect(error?.code == .limitExceeded)
    }

    @Test("a time of day that is skipped is made up for once, when the clock is put forward")
    func skippedTimesAreMadeUpFor() throws {
        let berlin = try ZoneFiles.zone("Europe/Berlin")
        let before = ZoneFiles.utc(2_026, 3, 28, 12)
        #expect(
            try times("*/20 2 * * *", after: before, berlin, 2) == [
                "2026-03-29 03:00:00 +0200", "2026-03-30 02:00:00 +0200",
            ])
        #expect(
            try times("30 2,3 * * *", after: before, berlin, 3) == [
                "2026-03-29 03:00:00 +0200", "2026-03-29 03:30:00 +0200", "2026-03-30 02:30:00 +0200",
            ])
        #expect(
            try times("30 * * * *", after: ZoneFiles.utc(2_026, 3, 29), berlin, 2) == [
                "2026-03-29 01:30:00 +0100", "2026-03-29 03:30:00 +0200",
            ])
    }

    @Test("a time of day that comes twice has one run, a minute of each hour has two")
    func repeatedTimesRunOnce() throws {
        let berlin = try ZoneFiles.zone("Europe/Berlin")
        #expect(
            try times("30 2 * * *", after: ZoneFiles.utc(2_026, 10, 24, 12), berlin, 2) == [
                "2026-10-25 02:30:00 +0200", "2026-10-26 02:30:00 +0100",
            ])
        #expect(
            try times("30 * * * *", after: ZoneFiles.utc(2_026, 10, 25), berlin, 3) == [
                "2026-10-25 02:30:00 +0200", "2026-10-25 02:30:00 +0100", "2026-10-25 03:30:00 +0100",
            ])
    }

    @Test("times of a day that a zone skips are made up for when the next day begins")
    func aSkippedDayIsMadeUpFor() throws {
        let apia = try ZoneFiles.zone("Pacific/Apia")
        #expect(
            try times("0 12 * * *", after: ZoneFiles.utc(2_011, 12, 29, 0), apia, 3) == [
                "2011-12-29 12:00:00 -1000", "2011-12-31 00:00:00 +1400", "2011-12-31 12:00:00 +1400",
            ])
    }
}
