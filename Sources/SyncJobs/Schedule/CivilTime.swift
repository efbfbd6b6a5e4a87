// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A date and a time of day, as a clock on the wall shows them.
struct CivilTime: Hashable, Sendable {
    var year: Int64
    /// 1 to 12.
    var month: Int
    /// 1 to 31.
    var day: Int
    /// Seconds since midnight.
    var secondOfDay: Int64

    /// Reads a clock that shows so many seconds since 1970-01-01 00:00:00.
    init(localSeconds: Int64) {
        self.init(dayNumber: localSeconds.flooredQuotient(86_400))
        self.secondOfDay = localSeconds.flooredRemainder(86_400)
    }

    /// The beginning of a day of the Gregorian calendar, counted from 1970-01-01.
    ///
    /// Years begin with March here, so that a leap day is the last of its year; 400 of them have 146,097 days.
    init(dayNumber: Int64) {
        let shifted = dayNumber + 719_468
        let era = shifted.flooredQuotient(146_097)
        let dayOfEra = shifted.flooredRemainder(146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        self.day = Int(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
        self.month = Int(monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9)
        self.year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        self.secondOfDay = 0
    }

    /// The number of a day, counted from 1970-01-01.
    static func dayNumber(year: Int64, month: Int, day: Int) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear.flooredQuotient(400)
        let yearOfEra = shiftedYear.flooredRemainder(400)
        let monthFromMarch = Int64(month > 2 ? month - 3 : month + 9)
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + Int64(day) - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The day of the week of a day counted from 1970-01-01, a Thursday; 0 is Sunday.
    static func weekday(dayNumber: Int64) -> Int { Int((dayNumber + 4).flooredRemainder(7)) }

    /// Whether a year has a 29th of February.
    static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    /// How many days a month has.
    static func days(inMonth month: Int, of year: Int64) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Such as `2026-11-22 06:03:31`.
    var text: String {
        let time = [secondOfDay / 3_600, secondOfDay / 60 % 60, secondOfDay % 60]
        let date = [Self.padded(year, 4), Self.padded(Int64(month), 2), Self.padded(Int64(day), 2)]
        return date.joined(separator: "-") + " " + time.map { Self.padded($0, 2) }.joined(separator: ":")
    }

    static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(width - digits.utf8.count, 0)) + digits
    }
}
