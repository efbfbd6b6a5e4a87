// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A place in a log: the count of bytes before it over all its segments, those that are gone included.
public struct LogPosition: RawRepresentable, Hashable, Comparable, Sendable {
    /// The count of bytes before the place.
    public let rawValue: UInt64

    /// Makes a position.
    ///
    /// - Parameter rawValue: the count of bytes before the place.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The beginning of every log.
    public static let start = LogPosition(rawValue: 0)

    /// Orders positions as they follow each other in the log.
    ///
    /// - Parameters:
    ///   - left: a position.
    ///   - right: another position.
    /// - Returns: whether the first lies before the second.
    public static func < (left: LogPosition, right: LogPosition) -> Bool {
        left.rawValue < right.rawValue
    }

    /// The position some bytes further on; it stays at the largest position rather than overflow.
    ///
    /// - Parameter count: how many bytes further, not negative.
    /// - Returns: the later position.
    public func advanced(by count: Int) -> LogPosition {
        let (sum, overflow) = rawValue.addingReportingOverflow(UInt64(max(count, 0)))
        return LogPosition(rawValue: overflow ? .max : sum)
    }
}

extension LogPosition: CustomStringConvertible {
    /// The position as a number.
    public var description: String {
        "\(rawValue)"
    }
}
