// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// One field of a cron expression: a set of small numbers.
struct CronField: Hashable, Sendable {
    /// What a field is about.
    enum Kind: Hashable, Sendable {
        case minute, hour, day, month, weekday

        /// Its name, for messages.
        var name: String {
            switch self {
            case .minute: "minute"
            case .hour: "hour"
            case .day: "day of month"
            case .month: "month"
            case .weekday: "day of week"
            }
        }

        /// Its numbers as they may be written.
        var range: ClosedRange<Int> {
            switch self {
            case .minute: 0...59
            case .hour: 0...23
            case .day: 1...31
            case .month: 1...12
            case .weekday: 0...7
            }
        }

        /// The names of its numbers; the first is that of the least.
        var names: [String] {
            switch self {
            case .minute, .hour, .day: []
            case .month: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
            case .weekday: Self.weekdayNames
            }
        }

        static let weekdayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
    }

    /// Bit n is set when n is in the set.
    private var bits: UInt64 = 0
    /// Whether it begins with `*`.
    let isOpen: Bool

    /// Reads a field.
    init(_ text: some Collection<UInt8>, _ kind: Kind, of expression: String) throws(JobError) {
        self.isOpen = text.first == UInt8(ascii: "*")
        var scanner = ByteScanner(text)
        func wrong(_ what: String) -> JobError {
            JobError(
                .malformed,
                "the \(kind.name) \"\(String(decoding: text, as: UTF8.self))\" of \"\(expression)\" is wrong: \(what)")
        }
        repeat {
            var low = kind.range.lowerBound
            var high = kind == .weekday ? 6 : kind.range.upperBound
            var hasRange = true
            if !scanner.take(UInt8(ascii: "*")) {
                guard let first = Self.value(&scanner, kind) else {
                    throw wrong("write \(kind.range.lowerBound) to \(kind.range.upperBound)")
                }
                (low, high, hasRange) = (first, first, false)
                if scanner.take(UInt8(ascii: "-")) {
                    guard var last = Self.value(&scanner, kind) else { throw wrong("the range has no end") }
                    if kind == .weekday, last == 0, low > 0 { last = 7 }
                    guard last >= low else { throw wrong("the range ends before it begins") }
                    (high, hasRange) = (last, true)
                }
            }
            var step = 1
            if scanner.take(UInt8(ascii: "/")) {
                guard hasRange else { throw wrong("a step needs * or a range") }
                guard let number = scanner.number(), number > 0 else { throw wrong("a step is a number from 1") }
                step = Int(number)
            }
            for value in stride(from: low, through: high, by: step) {
                bits |= 1 << UInt64(kind == .weekday ? value % 7 : value)
            }
        } while scanner.take(UInt8(ascii: ","))
        guard scanner.isAtEnd else { throw wrong("something follows that does not belong there") }
    }

    /// Whether a number is in the set.
    func contains(_ number: Int) -> Bool { bits >> UInt64(number) & 1 == 1 }

    /// The least number of the set that is not less than another.
    func first(from number: Int) -> Int? {
        guard number < 64 else { return nil }
        let left = bits >> UInt64(number)
        return left == 0 ? nil : number + left.trailingZeroBitCount
    }

    private static func value(_ scanner: inout ByteScanner, _ kind: Kind) -> Int? {
        for (index, name) in kind.names.enumerated() where scanner.take(text: name) {
            return index + kind.range.lowerBound
        }
        guard let number = scanner.number(), kind.range.contains(Int(number)) else { return nil }
        return Int(number)
    }
}
