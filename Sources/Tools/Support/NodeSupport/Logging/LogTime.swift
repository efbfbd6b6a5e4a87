// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// An instant of the wall clock as a log line shows it.
package struct LogTime: Hashable, Sendable, CustomStringConvertible {
    /// Seconds since 1970-01-01T00:00:00Z, not counting leap seconds.
    package let seconds: Int64
    /// The milliseconds within the second, 0 to 999.
    package let milliseconds: Int

    /// Creates an instant.
    ///
    /// - Parameters:
    ///   - seconds: Seconds since 1970-01-01T00:00:00Z.
    ///   - milliseconds: The milliseconds within the second; taken modulo 1000.
    package init(seconds: Int64, milliseconds: Int) {
        self.seconds = seconds
        self.milliseconds = abs(milliseconds % 1000)
    }

    /// The wall clock's time now.
    package static func now() -> LogTime {
        var time = timespec()
        // CLOCK_REALTIME cannot fail with a valid pointer.
        _ = clock_gettime(CLOCK_REALTIME, &time)
        return LogTime(seconds: Int64(time.tv_sec), milliseconds: time.tv_nsec / 1_000_000)
    }

    /// RFC 3339 in UTC with milliseconds, such as `2026-01-31T23:59:59.042Z`.
    package var description: String {
        // Civil date from days, in the proleptic Gregorian calendar with eras of 400 years that begin in March.
        let (day, secondOfDay) = seconds.flooredDivision(by: 86_400)
        let (era, dayOfEra) = (day + 719_468).flooredDivision(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let date = "\(year.padded(4))-\(month.padded(2))-\(dayOfMonth.padded(2))"
        let (hour, minute, second) = (secondOfDay / 3_600, secondOfDay / 60 % 60, secondOfDay % 60)
        let clock = "\(hour.padded(2)):\(minute.padded(2)):\(second.padded(2))"
        return "\(date)T\(clock).\(Int64(milliseconds).padded(3))Z"
    }
}

extension Int64 {
    fileprivate func flooredDivision(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    fileprivate func padded(_ width: Int) -> String {
        let digits = String(self)
        return String(repeating: "0", count: Swift.max(0, width - digits.utf8.count)) + digits
    }
}
