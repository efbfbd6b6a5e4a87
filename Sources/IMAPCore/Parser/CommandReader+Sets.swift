// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Sets of message numbers, and dates.
extension CommandReader {
    /// Takes a set of positions or of unique identifiers.
    mutating func messageSet(isUID: Bool) throws(IMAPError) -> MessageSet {
        isUID ? .uid(try numberSet()) : .sequence(try numberSet())
    }

    /// Takes a set of message numbers.
    ///
    ///     sequence-set = (seq-number / seq-range) *("," sequence-set)
    ///     seq-range    = seq-number ":" seq-number
    mutating func numberSet<Number: MessageNumber>() throws(IMAPError) -> MessageNumberSet<Number> {
        var ranges: [MessageNumberRange<Number>] = []
        repeat {
            guard ranges.count < limits.sequenceSetRanges else { throw tooMany("ranges", limits.sequenceSetRanges) }
            let first: MessageNumberRange<Number>.Bound = try bound()
            let last = take(UInt8(ascii: ":")) ? try bound() : first
            ranges.append(MessageNumberRange(first, last))
        } while take(UInt8(ascii: ","))
        return MessageNumberSet(ranges)
    }

    /// Takes one end of a range.
    ///
    ///     seq-number = nz-number / "*"
    private mutating func bound<Number: MessageNumber>() throws(IMAPError) -> MessageNumberRange<Number>.Bound {
        if take(UInt8(ascii: "*")) { return .largest }
        guard let number = Number(try nonZeroNumber()) else { throw syntaxError("Message numbers begin with 1.") }
        return .number(number)
    }

    /// Takes a day.
    ///
    ///     date      = date-text / DQUOTE date-text DQUOTE
    ///     date-text = date-day "-" date-month "-" date-year
    ///     date-day  = 1*2DIGIT
    mutating func date() throws(IMAPError) -> IMAPDate {
        let isQuoted = take(UInt8(ascii: "\""))
        let isTwoDigits = offset + 1 < bytes.count && ByteClass.isDigit(bytes[offset + 1])
        let day = try digits(isTwoDigits ? 2 : 1)
        let date = try monthAndYear(day: day)
        if isQuoted { try expect(UInt8(ascii: "\"")) }
        return date
    }

    /// Takes the rest of a day behind the day of the month.
    ///
    ///     "-" date-month "-" date-year
    private mutating func monthAndYear(day: Int) throws(IMAPError) -> IMAPDate {
        try expect(UInt8(ascii: "-"))
        let name = run { (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) }.map(ByteClass.lowercased)
        guard let month = CivilCalendar.monthNames.firstIndex(where: { $0.utf8.map(ByteClass.lowercased) == name })
        else { throw syntaxError("Expected the name of a month.") }
        try expect(UInt8(ascii: "-"))
        let year = try digits(4)
        guard let date = IMAPDate(year: year, month: month + 1, day: day) else {
            throw syntaxError("There is no such day.")
        }
        return date
    }

    /// Takes a moment.
    ///
    /// A day of one digit without the space before it is taken too: clients send it.
    ///
    ///     date-time      = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
    ///     date-day-fixed = (SP DIGIT) / 2DIGIT
    ///     time           = 2DIGIT ":" 2DIGIT ":" 2DIGIT
    ///     zone           = ("+" / "-") 4DIGIT
    mutating func dateTime() throws(IMAPError) -> DateTime {
        try expect(UInt8(ascii: "\""))
        let hasSpace = take(UInt8(ascii: " "))
        let isTwoDigits = !hasSpace && offset + 1 < bytes.count && ByteClass.isDigit(bytes[offset + 1])
        let date = try monthAndYear(day: try digits(isTwoDigits ? 2 : 1))
        try space()
        let hour = try digits(2)
        try expect(UInt8(ascii: ":"))
        let minute = try digits(2)
        try expect(UInt8(ascii: ":"))
        let second = try digits(2)
        try space()
        let isWest = take(UInt8(ascii: "-"))
        if !isWest { try expect(UInt8(ascii: "+")) }
        let zoneHours = try digits(2)
        let zoneMinutes = try digits(2)
        try expect(UInt8(ascii: "\""))
        let zone = (zoneHours * 60 + zoneMinutes) * (isWest ? -1 : 1)
        guard zoneMinutes < 60,
            let moment = DateTime(date: date, hour: hour, minute: minute, second: second, zoneMinutes: zone)
        else { throw syntaxError("There is no such time.") }
        return moment
    }
}
