// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Foundation
import IMAPCore
import TestSupport
import Testing

@Suite("Dates of mails")
struct InternetDateTests {
    @Test(arguments: [
        ("Fri, 21 Nov 1997 09:55:06 -0600", 880_127_706, -360),
        ("21 Nov 97 09:55:06 GMT", 880_106_106, 0),
        ("Thu, 01 Jan 1970 00:00:00 +0000", 0, 0),
        ("1 Jan 1970 01:00 +0100", 0, 60),
        ("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)", 837_595_405, -420),
        ("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880_127_706, -360),
        ("  (c) Fri (c), 21 (c) Nov (c) 1997 (c) 09:55:06 (c) CST", 880_127_706, -360),
        ("21 Nov 1997", 880_070_400, 0),
        ("29 Feb 2000 00:00:00 +0000", 951_782_400, 0),
        ("31 Dec 1998 23:59:60 +0000", 915_148_799, 0),
        ("1 january 2038 00:00:00 z", 2_145_916_800, 0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777, 0),
        ("1 Jan 100 00:00:00 +0000", 946_684_800, 0),
        ("1 Jan 0000 00:00:00 +0000", -62_167_219_200, 0),
        ("1 Jan 2024 10:00:00 +junk", 1_704_103_200, 0),
        ("1 Jan 2024 10:00:00 XYZ", 1_704_103_200, 0),
    ])
    func reads(value: String, seconds: Int64, zone: Int) {
        let date = InternetDate(parsing: mailOctets(value))
        #expect(date?.secondsSinceEpoch == seconds)
        #expect(date?.zoneOffsetMinutes == zone)
    }

    @Test(arguments: [
        "", "today", "32 Jan 2024 00:00:00 +0000", "30 Feb 2024", "29 Feb 1900", "1 Foo 2024", "1 Jan", "Jan 1 2024",
        "1 Jan 2024 25:00:00 +0000", "1 Jan 2024 10:61:00 +0000", "1 Jan 12345", "0 Jan 2024", "1 Jan 1",
        "99999999999999999999 Jan 2024", "1 Jan 2024 10:00:00 +9999", "(((", "\"1 Jan 2024\"",
    ])
    func refuses(value: String) {
        #expect(InternetDate(parsing: mailOctets(value)) == nil)
    }

    @Test func ignoresTimeAndZoneInTheDay() {
        let date = InternetDate(parsing: mailOctets("1 Jan 2024 23:30:00 -1200"))
        #expect(date?.day == CalendarDay(year: 2024, month: 1, day: 1))
    }

    @Test func countsDaysLikeTheCalendar() throws {
        var expected = try #require(CalendarDay(year: 1600, month: 1, day: 1)).daysSinceEpoch
        #expect(expected == -135_140)
        for year in 1600...2400 {
            for month in 1...12 {
                for day in 1...31 {
                    guard let date = CalendarDay(year: year, month: month, day: day) else { continue }
                    guard date.daysSinceEpoch == expected else {
                        Issue.record("\(year)-\(month)-\(day) is day \(date.daysSinceEpoch), not \(expected)")
                        return
                    }
                    expected += 1
                }
            }
        }
        #expect(try #require(CalendarDay(year: 1970, month: 1, day: 1)).daysSinceEpoch == 0)
    }

    @Test func ordersDays() throws {
        let early = try #require(CalendarDay(year: 2023, month: 12, day: 31))
        let late = try #require(CalendarDay(year: 2024, month: 1, day: 1))
        #expect(early < late)
        #expect(!(late < early))
        #expect(CalendarDay(year: 2023, month: 13, day: 1) == nil)
        #expect(CalendarDay(year: 10_000, month: 1, day: 1) == nil)
        #expect(CalendarDay(year: -1, month: 1, day: 1) == nil)
    }
}
