// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension WireTime {
    /// Reads RFC 3339 as strictly as Go does: capital `T` and `Z`, a fraction of any length after a point.
    ///
    /// What lies before year 1 or after 9999 in UTC is refused; digits beyond nanoseconds are cut.
    ///
    ///     date-time = 4DIGIT "-" 2DIGIT "-" 2DIGIT "T" 2DIGIT ":" 2DIGIT ":" 2DIGIT ["." 1*DIGIT] ("Z" / ("+" / "-") 2DIGIT ":" 2DIGIT)
    ///
    /// - Parameter text: the text; nothing is made of one that is not such a time.
    package init?(rfc3339 text: String) {
        var digits = Cursor(bytes: Array(text.utf8))
        guard let year = digits.number(4), digits.take("-"), let month = digits.number(2), digits.take("-"),
            let day = digits.number(2), digits.take("T"), let hour = digits.number(2), digits.take(":"),
            let minute = digits.number(2), digits.take(":"), let second = digits.number(2)
        else { return nil }
        let date = CivilDate(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        guard date.isValid else { return nil }
        var nanoseconds: Int64 = 0
        if digits.take(".") {
            guard let fraction = digits.fraction() else { return nil }
            nanoseconds = fraction
        }
        guard let offset = digits.offset(), digits.isAtEnd else { return nil }
        let seconds = date.seconds - offset * 60
        guard (Self.neverSeconds...Self.lastSeconds).contains(seconds) else { return nil }
        self.init(seconds: seconds, nanoseconds: Int32(nanoseconds), offsetMinutes: Int16(offset))
    }

    /// RFC 3339 as Go writes it: up to nine digits of a fraction without zeros at its end, `Z` for UTC.
    package var rfc3339: String { String(decoding: rfc3339Bytes, as: UTF8.self) }

    /// ``rfc3339`` as bytes.
    package var rfc3339Bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(35)
        let date = CivilDate(seconds: seconds + Int64(offsetMinutes) * 60)
        Self.appendDate(date, separator: UInt8(ascii: "T"), to: &bytes)
        if nanoseconds != 0 {
            bytes.append(UInt8(ascii: "."))
            var fraction: [UInt8] = []
            Self.append(Int64(nanoseconds), digits: 9, to: &fraction)
            while fraction.last == UInt8(ascii: "0") { fraction.removeLast() }
            bytes += fraction
        }
        if offsetMinutes == 0 {
            bytes.append(UInt8(ascii: "Z"))
        } else {
            appendOffset(separator: UInt8(ascii: ":"), to: &bytes)
        }
        return bytes
    }

    /// The text in tunasync's `/jobs`: `YYYY-MM-DD HH:MM:SS ±hhmm`.
    package var webText: String { String(decoding: webBytes, as: UTF8.self) }

    /// ``webText`` as bytes.
    package var webBytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(25)
        let date = CivilDate(seconds: seconds + Int64(offsetMinutes) * 60)
        Self.appendDate(date, separator: UInt8(ascii: " "), to: &bytes)
        bytes.append(UInt8(ascii: " "))
        appendOffset(separator: nil, to: &bytes)
        return bytes
    }

    /// Reads the text of tunasync's `/jobs`.
    ///
    /// - Parameter text: the text; nothing is made of one that is not such a time.
    package init?(webText text: String) {
        var digits = Cursor(bytes: Array(text.utf8))
        guard let year = digits.number(4), digits.take("-"), let month = digits.number(2), digits.take("-"),
            let day = digits.number(2), digits.take(" "), let hour = digits.number(2), digits.take(":"),
            let minute = digits.number(2), digits.take(":"), let second = digits.number(2), digits.take(" "),
            let offset = digits.signedOffset(separator: nil), digits.isAtEnd
        else { return nil }
        let date = CivilDate(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        let seconds = date.seconds - offset * 60
        guard date.isValid, (Self.neverSeconds...Self.lastSeconds).contains(seconds) else { return nil }
        self.init(seconds: seconds, offsetMinutes: Int16(offset))
    }

    private static func appendDate(_ date: CivilDate, separator: UInt8, to bytes: inout [UInt8]) {
        append(date.year, digits: 4, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        append(date.month, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        append(date.day, digits: 2, to: &bytes)
        bytes.append(separator)
        append(date.hour, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        append(date.minute, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        append(date.second, digits: 2, to: &bytes)
    }

    private func appendOffset(separator: UInt8?, to bytes: inout [UInt8]) {
        bytes.append(offsetMinutes < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
        let minutes = Int64(offsetMinutes.magnitude)
        Self.append(minutes / 60, digits: 2, to: &bytes)
        if let separator { bytes.append(separator) }
        Self.append(minutes % 60, digits: 2, to: &bytes)
    }

    private static func append(_ value: Int64, digits: Int, to bytes: inout [UInt8]) {
        var divisor: Int64 = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / divisor % 10))
            divisor /= 10
        }
    }
}

/// Reads digits and signs one after the other.
private struct Cursor {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, UInt32(bytes[position]) == character.value else { return false }
        position += 1
        return true
    }

    mutating func number(_ count: Int) -> Int64? {
        guard position + count <= bytes.count else { return nil }
        var value: Int64 = 0
        for byte in bytes[position..<position + count] {
            guard let digit = Self.digit(byte) else { return nil }
            value = value * 10 + digit
        }
        position += count
        return value
    }

    mutating func fraction() -> Int64? {
        let start = position
        var value: Int64 = 0
        while position < bytes.count, let digit = Self.digit(bytes[position]) {
            if position - start < 9 { value = value * 10 + digit }
            position += 1
        }
        guard position > start else { return nil }
        for _ in min(position - start, 9)..<9 { value *= 10 }
        return value
    }

    mutating func offset() -> Int64? { take("Z") ? 0 : signedOffset(separator: ":") }

    mutating func signedOffset(separator: Unicode.Scalar?) -> Int64? {
        let isNegative = take("-")
        guard isNegative || take("+"), let hours = number(2) else { return nil }
        if let separator, !take(separator) { return nil }
        guard let minutes = number(2), hours <= 23, minutes <= 59 else { return nil }
        return (hours * 60 + minutes) * (isNegative ? -1 : 1)
    }

    private static func digit(_ byte: UInt8) -> Int64? {
        (0x30...0x39).contains(byte) ? Int64(byte - 0x30) : nil
    }
}
