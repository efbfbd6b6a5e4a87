// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The modification sequence of a message or of a mailbox: an unsigned number of 63 bits (RFC 7162 sections 3.1 and 7).
///
///     mod-sequence-value  = 1*DIGIT      ; 1 <= n <= 9,223,372,036,854,775,807
///     mod-sequence-valzer = "0" / mod-sequence-value
///
/// No message has ``zero``; a client may write it in UNCHANGEDSINCE and SEARCH.
public struct ModSequence: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number itself, at most 2^63 - 1.
    public let rawValue: UInt64

    /// Wraps a number.
    ///
    /// The result is nil for more than 63 bits.
    ///
    /// - Parameter rawValue: the number.
    public init?(_ rawValue: UInt64) {
        guard rawValue <= Self.largest.rawValue else { return nil }
        self.init(clamping: rawValue)
    }

    /// Wraps a number, or the largest possible one if it is larger.
    ///
    /// - Parameter rawValue: the number.
    public init(clamping rawValue: UInt64) {
        self.rawValue = min(rawValue, UInt64(Int64.max))
    }

    /// Less than that of any message.
    public static let zero = ModSequence(clamping: 0)
    /// The largest possible one, 2^63 - 1.
    public static let largest = ModSequence(clamping: .max)

    /// Orders by the number.
    ///
    /// - Parameters:
    ///   - left: one modification sequence.
    ///   - right: another.
    /// - Returns: whether the left one is smaller.
    public static func < (left: ModSequence, right: ModSequence) -> Bool { left.rawValue < right.rawValue }

    /// The number in decimal.
    public var description: String { String(rawValue) }
}
