// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The date and time of a Date field (RFC 5322 sections 3.3 and 4.3).
///
/// Read leniently: the day of the week is optional and not checked, comments may stand anywhere, years may have two or
/// three digits, seconds, time and zone may be missing. Military zones and unknown names count as UTC, as RFC 5322
/// section 4.3 advises.
public struct InternetDate: Sendable, Hashable {
    /// The day as written, in the zone of the sender; SENTBEFORE, SENTON and SENTSINCE compare it.
    public let day: CalendarDay
    /// Seconds since 1 January 1970 00:00 UTC.
    public let secondsSinceEpoch: Int64
    /// How far the written time is ahead of UTC.
    public let zoneOffsetMinutes: Int

    /// Reads a date; nil when there is no valid day, or a time or zone out of range.
    ///
    /// - Parameter value: the value of a Date field.
    public init?(parsing value: [UInt8]) {
        var cursor = HeaderCursor(value)
        Self.skipDayOfWeek(&cursor)
        guard let dayNumber = Self.number(&cursor, digits: 1...2) else { return nil }
        Self.skipSeparators(&cursor)
        guard let month = Self.month(cursor.run(while: MailASCII.isLetter)) else { return nil }
        Self.skipSeparators(&cursor)
        guard let year = Self.year(&cursor), let day = CalendarDay(year: year, month: month, day: dayNumber),
            let seconds = Self.timeOfDay(&cursor), let zone = Self.zone(&cursor)
        else { return nil }
        self.day = day
        zoneOffsetMinutes = zone
        secondsSinceEpoch = Int64(day.daysSinceEpoch * 86_400 + seconds - zone * 60)
    }

    // [ day-name "," ]
    private static func skipDayOfWeek(_ cursor: inout HeaderCursor) {
        cursor.skipWhiteAndComments()
        _ = cursor.run(while: MailASCII.isLetter)
        skipSeparators(&cursor)
    }

    /// White space, comments, and the comma, dot or hyphen that old programs put between the parts of a date.
    private static func skipSeparators(_ cursor: inout HeaderCursor) {
        while true {
            cursor.skipWhiteAndComments()
            if !cursor.take(MailASCII.comma), !cursor.take(MailASCII.dot), !cursor.take(MailASCII.hyphen) { return }
        }
    }

    private static func number(_ cursor: inout HeaderCursor, digits: ClosedRange<Int>) -> Int? {
        let text = cursor.run(while: MailASCII.isDigit)
        guard digits.contains(text.count) else { return nil }
        return text.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    private static func month(_ name: [UInt8]) -> Int? {
        guard name.count >= 3 else { return nil }
        let key = MailASCII.lowercased(Array(name[..<3]))
        let names = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
        return names.firstIndex { key.elementsEqual($0.utf8) }.map { $0 + 1 }
    }

    /// 4*DIGIT / obs-year: 00 to 49 are of this century, 50 to 99 and three digits count from 1900.
    private static func year(_ cursor: inout HeaderCursor) -> Int? {
        let digits = cursor.run(while: MailASCII.isDigit)
        guard (2...4).contains(digits.count) else { return nil }
        let value = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        if digits.count == 4 { return value }
        return digits.count == 2 && value < 50 ? 2000 + value : 1900 + value
    }

    /// hour ":" minute [ ":" second ]; midnight when there is none.
    ///
    /// A leap second counts as the second before it.
    private static func timeOfDay(_ cursor: inout HeaderCursor) -> Int? {
        cursor.skipWhiteAndComments()
        guard let byte = cursor.next, MailASCII.isDigit(byte) else { return 0 }
        guard let hour = number(&cursor, digits: 1...2), hour < 24 else { return nil }
        var parts = [0, 0]
        for index in parts.indices {
            cursor.skipWhiteAndComments()
            guard cursor.take(MailASCII.colon) || cursor.take(MailASCII.dot) else { break }
            cursor.skipWhiteAndComments()
            guard let part = number(&cursor, digits: 1...2), part <= 60 else { return nil }
            parts[index] = min(part, 59)
        }
        return hour * 3600 + parts[0] * 60 + parts[1]
    }

    /// ("+" / "-") 4DIGIT / obs-zone, in minutes; 0 when it is missing or not known.
    private static func zone(_ cursor: inout HeaderCursor) -> Int? {
        cursor.skipWhiteAndComments()
        let isAhead = cursor.take(0x2B)
        if isAhead || cursor.take(MailASCII.hyphen) {
            guard let digits = number(&cursor, digits: 4...4) else { return 0 }
            guard digits % 100 < 60 else { return nil }
            let minutes = digits / 100 * 60 + digits % 100
            return isAhead ? minutes : -minutes
        }
        let name = MailASCII.lowercased(cursor.run(while: MailASCII.isLetter))
        let hours: [(String, Int)] = [
            ("est", -5), ("edt", -4), ("cst", -6), ("cdt", -5), ("mst", -7), ("mdt", -6), ("pst", -8), ("pdt", -7),
        ]
        return hours.first { name.elementsEqual($0.0.utf8) }.map { $0.1 * 60 } ?? 0
    }
}
