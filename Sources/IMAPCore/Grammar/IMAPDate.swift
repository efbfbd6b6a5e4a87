// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A day of the calendar without a zone, as SEARCH compares them (RFC 3501 section 9, `date`).
public struct IMAPDate: Hashable, Sendable {
    /// The year, 0 to 9999, of the Gregorian calendar.
    public let year: Int
    /// The month, 1 to 12.
    public let month: Int
    /// The day of the month, from 1.
    public let day: Int

    /// Makes a day that exists.
    ///
    /// The result is nil when there is no such day.
    ///
    /// - Parameters:
    ///   - year: the year, 0 to 9999.
    ///   - month: the month, 1 to 12.
    ///   - day: the day of the month.
    public init?(year: Int, month: Int, day: Int) {
        guard (0...9999).contains(year), (1...12).contains(month), day >= 1,
            day <= CivilCalendar.days(inMonth: month, year: year)
        else { return nil }
        self.year = year
        self.month = month
        self.day = day
    }

    /// Makes the day that lies a number of days after 1 January 1970; days outside the years 0 to 9999 are clamped.
    ///
    /// - Parameter daysSinceEpoch: the number of days.
    public init(daysSinceEpoch: Int) {
        let civil = CivilCalendar.civil(fromDays: CivilCalendar.clamped(days: daysSinceEpoch))
        self.year = civil.year
        self.month = civil.month
        self.day = civil.day
    }

    /// The number of days since 1 January 1970.
    public var daysSinceEpoch: Int { CivilCalendar.days(year: year, month: month, day: day) }
}

extension IMAPDate: Comparable, CustomStringConvertible {
    /// Orders by time.
    ///
    /// - Parameters:
    ///   - left: one day.
    ///   - right: another day.
    /// - Returns: whether the left one is earlier.
    public static func < (left: IMAPDate, right: IMAPDate) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }

    /// The day in its wire form, such as `1-Feb-1994`.
    public var description: String {
        "\(day)-\(CivilCalendar.monthNames[month - 1])-\(CivilCalendar.padded(year, width: 4))"
    }
}

/// Arithmetic of the proleptic Gregorian calendar: days since 1 January 1970 to and from year, month and day.
enum CivilCalendar {
    static let monthNames = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The days of 1 January 0000 and 31 December 9999.
    static let dayLimits = days(year: 0, month: 1, day: 1)...days(year: 9999, month: 12, day: 31)

    static func clamped(days: Int) -> Int {
        min(max(days, dayLimits.lowerBound), dayLimits.upperBound)
    }

    static func isLeap(_ year: Int) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    /// The number of days in a month from 1 to 12.
    static func days(inMonth month: Int, year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1 January 1970.
    ///
    /// Years are counted from March, so that the leap day is the last of its year.
    static func days(year: Int, month: Int, day: Int) -> Int {
        let shifted = month > 2 ? year : year - 1
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The inverse of `days(year:month:day:)`.
    static func civil(fromDays days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    static func padded(_ number: Int, width: Int, with pad: Character = "0") -> String {
        let digits = String(number)
        return String(repeating: pad, count: max(0, width - digits.count)) + digits
    }
}
