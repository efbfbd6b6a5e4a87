// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Reads the bytes of a TZif file (RFC 8536 section 3).
struct TZifReader {
    /// The most bytes of a file; the largest of a usual system has 4 KiB.
    static let maximumBytes = 1 << 20
    /// The largest offset from UTC in seconds (RFC 8536 section 3.2).
    static let maximumOffset: Int64 = 26 * 3_600

    /// The counts of a header (RFC 8536 section 3.1).
    private struct Header {
        var version: UInt8
        var utcIndicators: Int
        var standardIndicators: Int
        var leapSeconds: Int
        var transitions: Int
        var types: Int
        var characters: Int

        /// How many bytes follow when times have so many bytes.
        func bodySize(timeBytes: Int) -> Int {
            transitions * (timeBytes + 1) + types * 6 + characters + leapSeconds * (timeBytes + 4) + standardIndicators
                + utcIndicators
        }
    }

    private let name: String
    private let bytes: [UInt8]
    private var position = 0

    init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }

    /// Reads the whole file; of version 2 and later only the second body, which has 64-bit times, and the footer.
    mutating func read() throws(JobError) -> TimeZoneRules {
        guard bytes.count <= Self.maximumBytes else {
            throw JobError(
                .limitExceeded, "the time zone \(name) has \(bytes.count) bytes; at most \(Self.maximumBytes) are read")
        }
        let first = try header()
        guard first.version >= UInt8(ascii: "2") else { return try body(first, timeBytes: 4) }
        _ = try take(first.bodySize(timeBytes: 4))
        let second = try header()
        return try body(second, timeBytes: 8)
    }

    private func malformed(_ what: String) -> JobError {
        JobError(.malformed, "the time zone \(name) is no TZif file: \(what) at byte \(position)")
    }

    private mutating func take(_ count: Int) throws(JobError) -> ArraySlice<UInt8> {
        guard count <= bytes.count - position else { throw malformed("\(count) bytes are missing") }
        position += count
        return bytes[position - count..<position]
    }

    /// A number in network byte order, with its sign.
    private mutating func number(_ count: Int) throws(JobError) -> Int64 {
        var value: Int64 = 0
        for (index, byte) in try take(count).enumerated() {
            value = index == 0 ? Int64(Int8(bitPattern: byte)) : value << 8 | Int64(byte)
        }
        return value
    }

    private mutating func count() throws(JobError) -> Int {
        let value = try number(4)
        guard value >= 0, value <= Int64(Self.maximumBytes) else { throw malformed("a count is \(value)") }
        return Int(value)
    }

    private mutating func header() throws(JobError) -> Header {
        guard try take(4).elementsEqual("TZif".utf8) else { throw malformed("the magic is missing") }
        let version = try take(16)
        let first = version.first ?? 0
        return Header(
            version: first, utcIndicators: try count(), standardIndicators: try count(), leapSeconds: try count(),
            transitions: try count(), types: try count(), characters: try count())
    }

    private mutating func body(_ header: Header, timeBytes: Int) throws(JobError) -> TimeZoneRules {
        guard header.bodySize(timeBytes: timeBytes) <= bytes.count - position else { throw malformed("it is cut off") }
        guard header.types > 0, header.characters > 0 else { throw malformed("it has no offset") }
        guard header.leapSeconds == 0 else {
            throw JobError(.malformed, "the time zone \(name) counts leap seconds; use the one without `right/`")
        }
        var transitions: [Int64] = []
        for _ in 0..<header.transitions {
            let time = try number(timeBytes)
            if let last = transitions.last, time <= last { throw malformed("transitions do not ascend") }
            transitions.append(time)
        }
        let indices = Array(try take(header.transitions))
        var types: [(seconds: Int64, abbreviation: Int)] = []
        for _ in 0..<header.types {
            let seconds = try number(4)
            guard abs(seconds) <= Self.maximumOffset else { throw malformed("an offset is \(seconds) seconds") }
            let isDaylight = try number(1)
            guard isDaylight == 0 || isDaylight == 1 else { throw malformed("a flag is neither 0 nor 1") }
            let index = Int(try number(1) & 0xff)
            guard index < header.characters else { throw malformed("an abbreviation is out of range") }
            types.append((seconds, index))
        }
        let characters = Array(try take(header.characters))
        _ = try take(header.standardIndicators + header.utcIndicators)
        let offsets = types.map { type in
            let text = characters[type.abbreviation...].prefix { $0 != 0 }
            return TimeZoneRules.Offset(seconds: type.seconds, abbreviation: String(decoding: text, as: UTF8.self))
        }
        guard indices.allSatisfy({ Int($0) < offsets.count }) else { throw malformed("an offset is out of range") }
        return TimeZoneRules(
            name: name,
            table: TimeZoneRules.Table(
                transitions: transitions, offsets: indices.map { offsets[Int($0)] }, initial: offsets[0],
                footer: timeBytes == 8 ? try footer() : nil))
    }

    /// The footer is a newline, a rule, which may be empty, and a newline (RFC 8536 section 3.3).
    private mutating func footer() throws(JobError) -> PosixTimeZone? {
        guard try take(1).first == UInt8(ascii: "\n"),
            let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n"))
        else { throw malformed("the footer is missing") }
        let text = bytes[position..<end]
        if text.isEmpty { return nil }
        guard let rule = PosixTimeZone(text) else {
            throw malformed("the rule \(String(decoding: text, as: UTF8.self)) is not one of POSIX")
        }
        return rule
    }
}
