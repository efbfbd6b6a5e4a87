// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A rule for offsets in all years, such as `CET-1CEST,M3.5.0,M10.5.0/3` (POSIX `TZ`, with the times of RFC 8536 section 3.3.1).
struct PosixTimeZone: Hashable, Sendable {
    /// A day of each year.
    enum Day: Hashable, Sendable {
        /// `Jn`: the nth day, 1 to 365; the 29th of February is not counted.
        case julian(Int64)
        /// `n`: the nth day from 0; the 29th of February is counted.
        case ordinal(Int64)
        /// `Mm.w.d`: in a month the wth weekday d, 0 is Sunday; the fifth is the last.
        case weekday(month: Int, week: Int64, weekday: Int)
    }

    /// A day of each year with a local time, in seconds, which may lie outside of that day.
    struct Change: Hashable, Sendable {
        var day: Day
        var time: Int64
    }

    /// Daylight saving time.
    struct Daylight: Hashable, Sendable {
        var offset: TimeZoneRules.Offset
        var start: Change
        var end: Change
    }

    let standard: TimeZoneRules.Offset
    let daylight: Daylight?

    /// Reads a rule.
    ///
    ///     rule   = name offset [name [offset] "," change "," change]
    ///     name   = 3*ALPHA / "<" 3*(ALPHA / DIGIT / "+" / "-") ">"
    ///     offset = ["+" / "-"] 1*3DIGIT [":" 2DIGIT [":" 2DIGIT]]
    ///     change = ("J" number / number / "M" month "." week "." weekday) ["/" offset]
    init?(_ text: some Collection<UInt8>) {
        var scanner = ByteScanner(text)
        guard let name = Self.name(&scanner), let west = Self.offset(&scanner) else { return nil }
        self.standard = TimeZoneRules.Offset(seconds: -west, abbreviation: name)
        if scanner.isAtEnd {
            self.daylight = nil
            return
        }
        guard let name = Self.name(&scanner) else { return nil }
        var seconds = 3_600 - west
        if scanner.peek != UInt8(ascii: ",") {
            guard let west = Self.offset(&scanner) else { return nil }
            seconds = -west
        }
        guard scanner.take(UInt8(ascii: ",")), let start = Self.change(&scanner), scanner.take(UInt8(ascii: ",")),
            let end = Self.change(&scanner), scanner.isAtEnd
        else { return nil }
        self.daylight = Daylight(
            offset: TimeZoneRules.Offset(seconds: seconds, abbreviation: name), start: start, end: end)
    }

    /// The time of one offset that a moment lies in.
    func segment(at seconds: Int64) -> TimeZoneRules.Segment {
        guard let daylight else { return TimeZoneRules.Segment(start: .min, end: .max, offset: standard) }
        let year = CivilTime(localSeconds: seconds + standard.seconds).year
        var changes: [(time: Int64, isDaylight: Bool)] = []
        for year in year - 2...year + 2 {
            changes.append((daylight.start.seconds(in: year) - standard.seconds, true))
            changes.append((daylight.end.seconds(in: year) - daylight.offset.seconds, false))
        }
        // Daylight saving time that ends when it begins again never ends, so a beginning comes after an end of the same moment.
        changes.sort { $0.time == $1.time ? !$0.isDaylight && $1.isDaylight : $0.time < $1.time }
        let next = changes.firstIndex { $0.time > seconds } ?? changes.count
        guard next > 0 else { return TimeZoneRules.Segment(start: .min, end: changes[0].time, offset: standard) }
        let last = changes[next - 1]
        return TimeZoneRules.Segment(
            start: last.time, end: next < changes.count ? changes[next].time : .max,
            offset: last.isDaylight ? daylight.offset : standard)
    }

    private static func name(_ scanner: inout ByteScanner) -> String? {
        if scanner.take(UInt8(ascii: "<")) {
            let name = scanner.take { $0 != UInt8(ascii: ">") }
            return name.count >= 3 && scanner.take(UInt8(ascii: ">")) ? String(decoding: name, as: UTF8.self) : nil
        }
        let name = scanner.take { ($0 | 0x20) >= UInt8(ascii: "a") && ($0 | 0x20) <= UInt8(ascii: "z") }
        return name.count >= 3 ? String(decoding: name, as: UTF8.self) : nil
    }

    /// Seconds west of Greenwich, or after midnight.
    private static func offset(_ scanner: inout ByteScanner) -> Int64? {
        let isNegative = scanner.take(UInt8(ascii: "-"))
        if !isNegative { _ = scanner.take(UInt8(ascii: "+")) }
        guard let hours = scanner.number(), hours <= 167 else { return nil }
        var seconds = hours * 3_600
        for unit: Int64 in [60, 1] where scanner.take(UInt8(ascii: ":")) {
            guard let part = scanner.number(), part < 60 else { return nil }
            seconds += part * unit
        }
        return isNegative ? -seconds : seconds
    }

    private static func change(_ scanner: inout ByteScanner) -> Change? {
        guard let day = day(&scanner) else { return nil }
        guard scanner.take(UInt8(ascii: "/")) else { return Change(day: day, time: 7_200) }
        return offset(&scanner).map { Change(day: day, time: $0) }
    }

    private static func day(_ scanner: inout ByteScanner) -> Day? {
        if scanner.take(UInt8(ascii: "J")) {
            guard let number = scanner.number(), (1...365).contains(number) else { return nil }
            return .julian(number)
        }
        guard scanner.take(UInt8(ascii: "M")) else {
            guard let number = scanner.number(), number <= 365 else { return nil }
            return .ordinal(number)
        }
        guard let month = scanner.number(), (1...12).contains(month), scanner.take(UInt8(ascii: ".")),
            let week = scanner.number(), (1...5).contains(week), scanner.take(UInt8(ascii: ".")),
            let weekday = scanner.number(), weekday <= 6
        else { return nil }
        return .weekday(month: Int(month), week: week, weekday: Int(weekday))
    }
}

extension PosixTimeZone.Change {
    /// What a clock shows at the change, in seconds since 1970-01-01 00:00:00 on that clock.
    func seconds(in year: Int64) -> Int64 {
        let newYear = CivilTime.dayNumber(year: year, month: 1, day: 1)
        let number: Int64
        switch day {
        case .julian(let day):
            number = newYear + day - 1 + (CivilTime.isLeap(year) && day >= 60 ? 1 : 0)
        case .ordinal(let day):
            number = newYear + day
        case .weekday(let month, let week, let weekday):
            let first = CivilTime.dayNumber(year: year, month: month, day: 1)
            let wait = Int64((weekday - CivilTime.weekday(dayNumber: first) + 7) % 7)
            let days = Int64(CivilTime.days(inMonth: month, of: year))
            var inMonth = wait + (week - 1) * 7
            if inMonth >= days { inMonth -= 7 }
            number = first + inMonth
        }
        return number * 86_400 + time
    }
}
