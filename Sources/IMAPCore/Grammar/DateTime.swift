// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A moment with the zone it was written in: an internal date (RFC 3501 section 9, `date-time`).
///
/// The moment always lies in the years 0 to 9999 of its zone, so it always has a wire form.
public struct DateTime: Hashable, Sendable {
    /// The seconds since 1 January 1970 00:00:00 UTC; may be negative.
    public let secondsSinceEpoch: Int64
    /// The minutes east of Greenwich, -1439 to 1439.
    public let zoneMinutes: Int

    /// Makes a moment; values outside the ranges are clamped to them.
    ///
    /// - Parameters:
    ///   - secondsSinceEpoch: the seconds since 1 January 1970 00:00:00 UTC.
    ///   - zoneMinutes: the minutes east of Greenwich.
    public init(secondsSinceEpoch: Int64, zoneMinutes: Int = 0) {
        let zone = min(max(zoneMinutes, -1439), 1439)
        let shift = Int64(zone) * 60
        let earliest = Int64(CivilCalendar.dayLimits.lowerBound) * 86_400 - shift
        let latest = Int64(CivilCalendar.dayLimits.upperBound) * 86_400 + 86_399 - shift
        self.zoneMinutes = zone
        self.secondsSinceEpoch = min(max(secondsSinceEpoch, earliest), latest)
    }

    /// Makes a moment of what a calendar and a clock show in a zone.
    ///
    /// The result is nil when a number is out of range.
    ///
    /// - Parameters:
    ///   - date: the day.
    ///   - hour: the hour, 0 to 23.
    ///   - minute: the minute, 0 to 59.
    ///   - second: the second, 0 to 60; a leap second counts as the second after it.
    ///   - zoneMinutes: the minutes east of Greenwich, -1439 to 1439.
    public init?(date: IMAPDate, hour: Int, minute: Int, second: Int, zoneMinutes: Int) {
        guard (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second),
            (-1439...1439).contains(zoneMinutes)
        else { return nil }
        let local = date.daysSinceEpoch * 86_400 + hour * 3600 + minute * 60 + second
        self.init(secondsSinceEpoch: Int64(local - zoneMinutes * 60), zoneMinutes: zoneMinutes)
    }

    /// The day in the moment's own zone; SEARCH compares it "disregarding time and timezone".
    public var date: IMAPDate { IMAPDate(daysSinceEpoch: local.days) }

    /// The seconds since midnight in the moment's own zone.
    public var secondOfDay: Int { local.seconds }

    private var local: (days: Int, seconds: Int) {
        let total = Int(secondsSinceEpoch) + zoneMinutes * 60
        let days = total >= 0 ? total / 86_400 : (total - 86_399) / 86_400
        return (days, total - days * 86_400)
    }
}

extension DateTime: CustomStringConvertible {
    /// The moment in its wire form without the quotes, such as ` 1-Feb-1994 21:52:25 -0800`.
    public var description: String {
        let day = date
        let seconds = secondOfDay
        let clock = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { CivilCalendar.padded($0, width: 2) }
        let zone = abs(zoneMinutes)
        return CivilCalendar.padded(day.day, width: 2, with: " ") + "-" + CivilCalendar.monthNames[day.month - 1] + "-"
            + CivilCalendar.padded(day.year, width: 4) + " " + clock.joined(separator: ":") + " "
            + (zoneMinutes < 0 ? "-" : "+") + CivilCalendar.padded(zone / 60, width: 2)
            + CivilCalendar.padded(zone % 60, width: 2)
    }
}
