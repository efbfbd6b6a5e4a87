// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A cron expression of five fields: minute, hour, day of month, month, day of week.
///
///     expression = minute BLANK hour BLANK day BLANK month BLANK weekday / "@" macro
///     field      = item *("," item)
///     item       = ("*" / value ["-" value]) ["/" step]
///
/// Months and days of the week have English names of three letters; 0 and 7 are Sunday; a step needs `*` or a range.
/// The macros are `@yearly`, `@annually`, `@monthly`, `@weekly`, `@daily`, `@midnight` and `@hourly`. When both the day of month and the day of week are restricted (do not begin with `*`), a day that
/// matches one of them matches.
///
/// Where clocks change (as in Vixie's cron, but exact):
/// - An expression whose hour begins with `*` follows the clock on the wall minute by minute: a minute that is skipped has no run, one that comes twice has two.
/// - Any other expression names times of day, and each of them comes once a day: those that are skipped are made up for, all at once, at the moment at which the clock is put forward; of those that come twice,
///   the first counts.
public struct CronExpression: Hashable, Sendable {
    /// The expression as it was written.
    public let text: String

    let minutes: CronField
    let hours: CronField
    let days: CronField
    let months: CronField
    let weekdays: CronField

    /// The most bytes of an expression.
    static let maximumBytes = 256
    /// How far ahead a time is looked for: two leap days are at most eight years apart.
    private static let horizonSeconds: Int64 = 9 * 366 * 86_400

    /// Reads an expression.
    ///
    /// - Parameter text: the expression.
    /// - Throws: ``JobError/Code/malformed`` when it breaks the grammar or can never match, such as the 30th of February; ``JobError/Code/limitExceeded`` when it has more than 256 bytes.
    public init(_ text: String) throws(JobError) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw JobError(
                .limitExceeded,
                "the cron expression has \(text.utf8.count) bytes; at most \(Self.maximumBytes) are read")
        }
        self.text = text
        let parts = try Self.expanded(text).split(separator: " ")
        guard parts.count == 5 else {
            throw JobError(
                .malformed,
                "the cron expression \"\(text)\" has \(parts.count) fields; "
                    + "write five: minute, hour, day of month, month, day of week")
        }
        self.minutes = try CronField(parts[0].utf8, .minute, of: text)
        self.hours = try CronField(parts[1].utf8, .hour, of: text)
        self.days = try CronField(parts[2].utf8, .day, of: text)
        self.months = try CronField(parts[3].utf8, .month, of: text)
        self.weekdays = try CronField(parts[4].utf8, .weekday, of: text)
        let longest = (1...12).filter { months.contains($0) }.map { CivilTime.days(inMonth: $0, of: 2_000) }.max() ?? 0
        guard !weekdays.isOpen && !days.isOpen || (1...longest).contains(where: { days.contains($0) }) else {
            throw JobError(.malformed, "the cron expression \"\(text)\" never matches: no such month has that day")
        }
    }

    /// The first time after a moment at which the expression matches.
    ///
    /// - Parameters:
    ///   - time: the moment.
    ///   - zone: the time zone of the fields.
    /// - Returns: a later moment; nothing when there is none within nine years.
    public func next(after time: JobTime, in zone: TimeZoneRules) -> JobTime? {
        var moment = time.seconds + 1
        let horizon = moment + Self.horizonSeconds
        while moment < horizon {
            let segment = zone.segment(at: moment)
            let offset = segment.offset.seconds
            var local = moment + offset
            if !hours.isOpen, segment.start > .min {
                let former = zone.segment(at: segment.start - 1).offset.seconds
                if moment == segment.start, offset > former,
                    match(from: moment + former, before: moment + offset) != nil
                {
                    return JobTime(seconds: moment)
                }
                if offset < former { local = max(local, segment.start + former) }
            }
            let end = min(segment.end, horizon)
            if let match = match(from: local, before: end + offset) {
                return JobTime(seconds: match - offset)
            }
            moment = end
        }
        return nil
    }

    /// The first matching time that a clock shows, in seconds since 1970-01-01 00:00:00 on that clock.
    private func match(from start: Int64, before end: Int64) -> Int64? {
        var minute = (start + 59).flooredQuotient(60)
        while minute * 60 < end {
            let day = minute.flooredQuotient(1_440)
            let date = CivilTime(dayNumber: day)
            if !months.contains(date.month) {
                let next = date.month == 12 ? (date.year + 1, 1) : (date.year, date.month + 1)
                minute = CivilTime.dayNumber(year: next.0, month: next.1, day: 1) * 1_440
                continue
            }
            if matches(date, CivilTime.weekday(dayNumber: day)),
                let inDay = minuteOfDay(from: Int(minute.flooredRemainder(1_440)))
            {
                let found = (day * 1_440 + Int64(inDay)) * 60
                return found < end ? found : nil
            }
            minute = (day + 1) * 1_440
        }
        return nil
    }

    private func matches(_ date: CivilTime, _ weekday: Int) -> Bool {
        let isDay = days.contains(date.day)
        let isWeekday = weekdays.contains(weekday)
        return days.isOpen || weekdays.isOpen ? isDay && isWeekday : isDay || isWeekday
    }

    private func minuteOfDay(from start: Int) -> Int? {
        if hours.contains(start / 60), let minute = minutes.first(from: start % 60) { return start / 60 * 60 + minute }
        guard let hour = hours.first(from: start / 60 + 1), let minute = minutes.first(from: 0) else { return nil }
        return hour * 60 + minute
    }

    /// Puts five fields in the place of a macro, and single spaces in the place of blanks.
    private static func expanded(_ text: String) throws(JobError) -> String {
        let words = text.split { $0 == " " || $0 == "\t" }
        guard let first = words.first, first.hasPrefix("@") else { return words.joined(separator: " ") }
        let macros = [
            "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
            "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
        ]
        guard words.count == 1, let fields = macros[first.lowercased()] else {
            throw JobError(
                .malformed,
                "the cron expression \"\(text)\" is no macro; there are \(macros.keys.sorted().joined(separator: ", "))"
            )
        }
        return fields
    }
}
