// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A part of the week in which jobs may start, such as "Mon-Fri 22:00-06:00".
///
///     window = [days BLANK] time "-" time / days
///     days   = item *("," item)
///     item   = "*" / day ["-" day]
///     time   = hour ":" minute
///
/// Days have English names of three letters; without days a window is open on each day; without times it is open from midnight to midnight. An end that is before the beginning is on the next day, so a window
/// belongs to the day on which it opens; `24:00` is the end of a day. The end itself is outside.
///
/// A window is about what a clock on the wall shows: when clocks are put back, the hour that comes twice is inside both times or neither time; when they are put forward, what is skipped is in no window.
public struct TimeWindow: Hashable, Sendable {
    /// The window as it was written.
    public let text: String

    /// The open times in seconds since Sunday 00:00, ascending, apart from each other.
    private let spans: [Range<Int64>]

    /// The most bytes of a window.
    static let maximumBytes = 128
    private static let week: Int64 = 7 * 86_400

    /// Reads a window.
    ///
    /// - Parameter text: the window.
    /// - Throws: ``JobError/Code/malformed`` when it breaks the grammar, or is open at no time; ``JobError/Code/limitExceeded`` when it has more than 128 bytes.
    public init(_ text: String) throws(JobError) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw JobError(
                .limitExceeded, "the window has \(text.utf8.count) bytes; at most \(Self.maximumBytes) are read")
        }
        self.text = text
        let words = text.split { $0 == " " || $0 == "\t" }
        func wrong(_ what: String) -> JobError {
            JobError(.malformed, "the window \"\(text)\" is wrong: \(what); write it like \"Mon-Fri 22:00-06:00\"")
        }
        guard let first = words.first, let last = words.last, words.count <= 2 else {
            throw wrong("it has \(words.count) parts")
        }
        var days = Set(0...6)
        if words.count == 2 || !last.utf8.contains(UInt8(ascii: ":")) {
            guard let named = Self.days(first.utf8) else { throw wrong("\"\(first)\" does not name days") }
            days = named
        }
        var times: Range<Int64> = 0..<86_400
        if words.count == 2 || last.utf8.contains(UInt8(ascii: ":")) {
            guard let read = Self.times(last.utf8) else {
                throw wrong("\"\(last)\" does not name two different times of day")
            }
            times = read
        }
        self.spans = Self.merged(
            days.map { Int64($0) * 86_400 + times.lowerBound..<Int64($0) * 86_400 + times.upperBound })
    }

    /// Whether a moment is inside.
    ///
    /// - Parameters:
    ///   - time: the moment.
    ///   - zone: the time zone of the window.
    /// - Returns: whether it is.
    public func contains(_ time: JobTime, in zone: TimeZoneRules) -> Bool {
        let seconds = time.seconds
        return span(at: seconds + zone.segment(at: seconds).offset.seconds) != nil
    }

    /// When the window is open.
    ///
    /// - Parameters:
    ///   - time: from when on.
    ///   - zone: the time zone of the window.
    /// - Returns: the first moment inside that is not before `time`; nothing when there is none within a month.
    public func opening(from time: JobTime, in zone: TimeZoneRules) -> JobTime? {
        if contains(time, in: zone) { return time }
        var moment = time.seconds + 1
        let horizon = moment + 31 * 86_400
        while moment < horizon {
            let segment = zone.segment(at: moment)
            let local = moment + segment.offset.seconds
            if span(at: local) != nil { return JobTime(seconds: moment) }
            let inWeek = Self.secondOfWeek(local)
            let next = spans.first { $0.lowerBound > inWeek }?.lowerBound ?? Self.week + (spans.first?.lowerBound ?? 0)
            moment = min(moment + next - inWeek, segment.end)
        }
        return nil
    }

    /// Until when the window is open.
    ///
    /// - Parameters:
    ///   - time: a moment inside.
    ///   - zone: the time zone of the window.
    /// - Returns: the first moment after it that is outside; nothing when there is none within a month.
    public func closing(after time: JobTime, in zone: TimeZoneRules) -> JobTime? {
        var moment = time.seconds
        let horizon = moment + 31 * 86_400
        while moment < horizon {
            let segment = zone.segment(at: moment)
            let local = moment + segment.offset.seconds
            guard let span = span(at: local) else { return JobTime(seconds: moment) }
            moment = min(moment + span.upperBound - Self.secondOfWeek(local), segment.end)
        }
        return nil
    }

    private static func secondOfWeek(_ local: Int64) -> Int64 {
        // 1970-01-01 was a Thursday, four days after a Sunday.
        (local + 4 * 86_400).flooredRemainder(week)
    }

    private func span(at local: Int64) -> Range<Int64>? {
        let inWeek = Self.secondOfWeek(local)
        return spans.first { $0.contains(inWeek) }
    }

    /// Cuts what lies beyond the end of the week off and puts it at its beginning, then joins what touches.
    private static func merged(_ open: [Range<Int64>]) -> [Range<Int64>] {
        var inWeek: [Range<Int64>] = []
        for span in open {
            if span.lowerBound < week { inWeek.append(span.lowerBound..<min(span.upperBound, week)) }
            if span.upperBound > week { inWeek.append(max(span.lowerBound - week, 0)..<span.upperBound - week) }
        }
        var joined: [Range<Int64>] = []
        for span in inWeek.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = joined.last, span.lowerBound <= last.upperBound {
                joined[joined.count - 1] = last.lowerBound..<max(last.upperBound, span.upperBound)
            } else {
                joined.append(span)
            }
        }
        return joined
    }

    private static func days(_ text: some Collection<UInt8>) -> Set<Int>? {
        var scanner = ByteScanner(text)
        var days: Set<Int> = []
        repeat {
            if scanner.take(UInt8(ascii: "*")) {
                days.formUnion(0...6)
                continue
            }
            guard let first = day(&scanner) else { return nil }
            var last = first
            if scanner.take(UInt8(ascii: "-")) {
                guard let named = day(&scanner) else { return nil }
                last = named
            }
            for distance in 0...(last - first + 7) % 7 { days.insert((first + distance) % 7) }
        } while scanner.take(UInt8(ascii: ","))
        return scanner.isAtEnd ? days : nil
    }

    private static func day(_ scanner: inout ByteScanner) -> Int? {
        for (index, name) in CronField.Kind.weekdayNames.enumerated() where scanner.take(text: name) { return index }
        return nil
    }

    /// Seconds since midnight of the first day.
    private static func times(_ text: some Collection<UInt8>) -> Range<Int64>? {
        var scanner = ByteScanner(text)
        guard let start = time(&scanner), start < 86_400, scanner.take(UInt8(ascii: "-")), let end = time(&scanner),
            scanner.isAtEnd, start != end
        else { return nil }
        return start..<(end > start ? end : end + 86_400)
    }

    private static func time(_ scanner: inout ByteScanner) -> Int64? {
        guard let hour = scanner.number(), hour <= 24, scanner.take(UInt8(ascii: ":")) else { return nil }
        let digits = scanner.rest.prefix { isDigit($0) }.count
        guard digits == 2, let minute = scanner.number(), minute < 60, hour < 24 || minute == 0 else { return nil }
        return hour * 3_600 + minute * 60
    }
}
