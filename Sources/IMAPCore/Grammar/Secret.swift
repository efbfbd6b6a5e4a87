// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Bytes that must never reach a log: a password or a SASL response.
///
/// The description hides them, also when the value is nested in a printed command. Comparing two values takes a time that
/// depends on their lengths only.
public struct Secret: Sendable {
    /// The hidden bytes, for the authenticator only.
    public let bytes: [UInt8]

    /// Hides bytes.
    ///
    /// - Parameter bytes: the password or response.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }
}

extension Secret: Hashable {
    /// Compares without stopping at the first difference.
    ///
    /// - Parameters:
    ///   - left: one secret.
    ///   - right: another secret.
    /// - Returns: whether all bytes are equal.
    public static func == (left: Secret, right: Secret) -> Bool {
        guard left.bytes.count == right.bytes.count else { return false }
        var difference: UInt8 = 0
        for (a, b) in zip(left.bytes, right.bytes) { difference |= a ^ b }
        return difference == 0
    }

    /// Feeds only the length, so that no hash of the content exists.
    ///
    /// - Parameter hasher: the hasher to feed.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(bytes.count)
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// A fixed text.
    public var description: String { "<secret>" }

    /// A fixed text.
    public var debugDescription: String { description }

    /// A mirror without children, so that `dump` shows nothing either.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
