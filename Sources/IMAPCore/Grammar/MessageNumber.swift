// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A number that names a message in a mailbox: nonzero, 32 bits wide (`nz-number`, RFC 3501 section 9).
public protocol MessageNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number itself; never 0.
    var rawValue: UInt32 { get }

    /// Wraps a nonzero number.
    ///
    /// The result is nil for 0.
    ///
    /// - Parameter rawValue: the number.
    init?(_ rawValue: UInt32)
}

extension MessageNumber {
    /// Orders by the number.
    ///
    /// - Parameters:
    ///   - left: one number.
    ///   - right: another number.
    /// - Returns: whether the left one is smaller.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// The number in decimal.
    public var description: String { String(rawValue) }
}

/// The position of a message in a session's view of the mailbox, from 1 (RFC 3501 section 2.3.1.2).
public struct SequenceNumber: MessageNumber {
    /// The position, from 1.
    public let rawValue: UInt32

    /// Wraps a position.
    ///
    /// The result is nil for 0.
    ///
    /// - Parameter rawValue: the position, from 1.
    public init?(_ rawValue: UInt32) {
        guard rawValue != 0 else { return nil }
        self.rawValue = rawValue
    }
}

/// The unique identifier of a message within a mailbox and a `UIDValidity` (RFC 3501 section 2.3.1.1).
public struct UID: MessageNumber {
    /// The identifier, from 1.
    public let rawValue: UInt32

    /// Wraps an identifier.
    ///
    /// The result is nil for 0.
    ///
    /// - Parameter rawValue: the identifier, from 1.
    public init?(_ rawValue: UInt32) {
        guard rawValue != 0 else { return nil }
        self.rawValue = rawValue
    }

    /// Wraps a number of a list that has no 0; for a list that does, the least identifier.
    init(ofList rawValue: UInt32) { self.rawValue = max(1, rawValue) }
}

/// The generation of a mailbox's unique identifiers (RFC 3501 section 2.3.1.1).
public struct UIDValidity: MessageNumber {
    /// The generation, from 1.
    public let rawValue: UInt32

    /// Wraps a generation.
    ///
    /// The result is nil for 0.
    ///
    /// - Parameter rawValue: the generation, from 1.
    public init?(_ rawValue: UInt32) {
        guard rawValue != 0 else { return nil }
        self.rawValue = rawValue
    }
}
