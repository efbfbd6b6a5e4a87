// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// One element of a sequence set: a number, `*`, or two of these with a colon between (RFC 3501 section 9, `seq-range`).
///
/// The two ends stand in the order in which the client wrote them; `resolved(largest:)` puts them in order.
public struct MessageNumberRange<Number: MessageNumber>: Hashable, Sendable {
    /// One end of a range.
    public enum Bound: Hashable, Sendable {
        /// A given number.
        case number(Number)
        /// `*`, the largest number in use.
        case largest
    }

    /// The end written first.
    public let first: Bound
    /// The end written last; equal to `first` for a single number.
    public let last: Bound

    /// Makes a range of two ends.
    ///
    /// - Parameters:
    ///   - first: the end written first.
    ///   - last: the end written last.
    public init(_ first: Bound, _ last: Bound) {
        self.first = first
        self.last = last
    }

    /// Makes a range of known numbers.
    ///
    /// - Parameter numbers: the numbers, both ends included.
    public init(_ numbers: ClosedRange<Number>) {
        self.init(.number(numbers.lowerBound), .number(numbers.upperBound))
    }

    /// Puts the ends in order, with `*` replaced.
    ///
    /// - Parameter largest: the largest number in use.
    /// - Returns: the closed range; `3291:*` contains `largest` even when that is less than 3291.
    public func resolved(largest: Number) -> ClosedRange<Number> {
        let a = first.resolved(largest: largest)
        let b = last.resolved(largest: largest)
        return min(a, b)...max(a, b)
    }
}

extension MessageNumberRange.Bound {
    fileprivate func resolved(largest: Number) -> Number {
        switch self {
        case .number(let number): number
        case .largest: largest
        }
    }
}

/// A set of message numbers as a client writes it (RFC 3501 section 9, `sequence-set`).
///
///     sequence-set = (seq-number / seq-range) *("," sequence-set)
///     seq-number   = nz-number / "*"
///     seq-range    = seq-number ":" seq-number
///
/// The set is a list of ranges and is never expanded into numbers: `1:4294967295` costs as much as `1`.
public struct MessageNumberSet<Number: MessageNumber>: Hashable, Sendable {
    /// The elements in the order in which the client wrote them; never empty in a parsed command.
    public let ranges: [MessageNumberRange<Number>]

    /// Makes a set of ranges.
    ///
    /// - Parameter ranges: the elements, in any order, overlapping or not.
    public init(_ ranges: [MessageNumberRange<Number>]) {
        self.ranges = ranges
    }

    /// Makes a set of numbers in their given order; each run of consecutive ascending numbers becomes one range.
    ///
    /// COPYUID needs the order to be kept (RFC 4315 section 3: the two sets correspond element by element).
    ///
    /// - Parameter numbers: the numbers.
    /// - Complexity: linear in the count.
    public init(compacting numbers: some Sequence<Number>) {
        var ranges: [MessageNumberRange<Number>] = []
        var run: ClosedRange<Number>?
        for number in numbers {
            if let current = run, current.upperBound.rawValue &+ 1 == number.rawValue {
                run = current.lowerBound...number
            } else {
                if let current = run { ranges.append(MessageNumberRange(current)) }
                run = number...number
            }
        }
        if let current = run { ranges.append(MessageNumberRange(current)) }
        self.ranges = ranges
    }

    /// Whether `*` occurs, so that the meaning depends on the mailbox.
    public var mentionsLargest: Bool {
        ranges.contains { $0.first == .largest || $0.last == .largest }
    }

    /// The largest number written out, or nil when only `*` occurs.
    public var largestWritten: Number? {
        var result: Number?
        for range in ranges {
            for bound in [range.first, range.last] {
                if case .number(let number) = bound { result = max(result ?? number, number) }
            }
        }
        return result
    }

    /// The numbers meant, as ascending ranges that neither overlap nor touch.
    ///
    /// - Parameter largest: the largest number in use, or nil for an empty mailbox, where nothing is meant.
    /// - Returns: the ranges; they may name numbers that do not exist.
    /// - Complexity: n log n in the number of ranges, whatever they span.
    public func resolved(largest: Number?) -> [ClosedRange<Number>] {
        guard let largest else { return [] }
        let sorted = ranges.map { $0.resolved(largest: largest) }.sorted { $0.lowerBound < $1.lowerBound }
        var result: [ClosedRange<Number>] = []
        result.reserveCapacity(sorted.count)
        for range in sorted {
            guard let previous = result.last,
                range.lowerBound.rawValue <= previous.upperBound.rawValue.saturatingSuccessor
            else {
                result.append(range)
                continue
            }
            result[result.count - 1] = previous.lowerBound...max(previous.upperBound, range.upperBound)
        }
        return result
    }
}

extension UInt32 {
    fileprivate var saturatingSuccessor: UInt32 { self == .max ? .max : self + 1 }
}

/// A set of positions in the session's view.
public typealias SequenceSet = MessageNumberSet<SequenceNumber>

/// A set of unique identifiers.
public typealias UIDSet = MessageNumberSet<UID>

/// One element of a `SequenceSet`.
public typealias SequenceRange = MessageNumberRange<SequenceNumber>

/// One element of a `UIDSet`.
public typealias UIDRange = MessageNumberRange<UID>

/// The messages a command is about, by position or by unique identifier (the `UID` prefix, RFC 3501 section 6.4.8).
public enum MessageSet: Hashable, Sendable {
    /// Positions in the session's view.
    case sequence(SequenceSet)
    /// Unique identifiers.
    case uid(UIDSet)

    /// Whether the command had the `UID` prefix.
    public var isUID: Bool {
        switch self {
        case .sequence: false
        case .uid: true
        }
    }
}

extension MessageNumberSet: CustomStringConvertible {
    /// The set in its wire form.
    public var description: String {
        ranges.map { range in
            range.first == range.last ? "\(range.first)" : "\(range.first):\(range.last)"
        }.joined(separator: ",")
    }
}

extension MessageNumberRange.Bound: CustomStringConvertible {
    /// The bound in its wire form.
    public var description: String {
        switch self {
        case .number(let number): number.description
        case .largest: "*"
        }
    }
}
