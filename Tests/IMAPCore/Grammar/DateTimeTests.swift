// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import TestSupport
import Testing

@Suite struct DateTimeTests {
    private func parsed(_ text: String) throws(IMAPError) -> DateTime? {
        guard
            case .append(let append) = try CommandParser.parse(CommandText("a APPEND x \"\(text)\" {1}")).body
        else { return nil }
        return append.date
    }

    @Test(arguments: [
        ("17-Jul-1996 02:44:25 -0700", 837_596_665, -420), (" 1-Jan-1970 00:00:00 +0000", 0, 0),
        ("01-Jan-1970 00:00:00 +0000", 0, 0), ("1-Jan-1970 01:00:00 +0100", 0, 60),
        ("31-Dec-1969 23:59:59 +0000", -1, 0),
        ("29-Feb-2000 12:00:00 +0530", 951_805_800, 330), ("30-Jun-2015 23:59:60 +0000", 1_435_708_800, 0),
        ("17-jUL-1996 02:44:25 -0700", 837_596_665, -420),
    ])
    func parses(text: String, seconds: Int64, zone: Int) throws {
        #expect(try parsed(text) == DateTime(secondsSinceEpoch: seconds, zoneMinutes: zone))
    }

    @Test(arguments: [
        "", "17-Jul-1996", "17-Jul-1996 02:44:25", "17-Jul-1996 02:44:25 0700", "17-Jul-1996 24:00:00 +0000",
        "17-Jul-1996 02:60:25 +0000", "17-Jul-1996 02:44:61 +0000", "32-Jul-1996 02:44:25 +0000",
        "30-Feb-2000 02:44:25 +0000", "29-Feb-1900 02:44:25 +0000", "17-Jux-1996 02:44:25 +0000",
        "17-July-1996 02:44:25 +0000", "17-Jul-96 02:44:25 +0000", "17-Jul-1996 02:44:25 +2400",
        "17-Jul-1996 02:44:25 +0060", "17-Jul-1996 02:44:25 UTC", "00-Jul-1996 02:44:25 +0000",
        "17-Jul-1996  02:44:25 +0000", "17-Jul-19966 02:44:25 +0000",
    ])
    func refuses(text: String) {
        #expect(throws: IMAPError.self) { try parsed(text) }
    }

    @Test func everyMomentHasAWireFormThatParsesToItself() throws {
        var generator = SeededGenerator(seed: 31)
        for _ in 0..<2_000 {
            let moment = DateTime(
                secondsSinceEpoch: Int64.random(in: -70_000_000_000...260_000_000_000, using: &generator),
                zoneMinutes: Int.random(in: -1439...1439, using: &generator))
            #expect(moment.description.utf8.count == 26)
            #expect(try parsed(moment.description) == moment)
        }
        for extreme in [Int64.min, .max] {
            for zone in [Int.min, 0, .max] {
                let moment = DateTime(secondsSinceEpoch: extreme, zoneMinutes: zone)
                #expect(try parsed(moment.description) == moment)
            }
        }
    }

    @Test func calendarDaysCountOneByOne() {
        var date = IMAPDate(daysSinceEpoch: -800_000)
        for days in stride(from: -719_528, through: 100_000, by: 1) {
            let next = IMAPDate(daysSinceEpoch: days)
            #expect(next.daysSinceEpoch == days)
            if days > -719_528 { #expect(date < next) }
            date = next
        }
        #expect(IMAPDate(daysSinceEpoch: 19_723).description == "1-Jan-2024")
        #expect(IMAPDate(daysSinceEpoch: .max).year == 9999)
        #expect(IMAPDate(daysSinceEpoch: .min).year == 0)
    }

    @Test func theDayIsThatOfItsOwnZone() {
        let moment = DateTime(secondsSinceEpoch: 0, zoneMinutes: -60)
        #expect(moment.date == IMAPDate(year: 1969, month: 12, day: 31))
        #expect(moment.secondOfDay == 23 * 3600)
    }
}
