// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The name of a user as the directory spells it.
///
/// Two spellings that Unicode holds for the same (composed and decomposed accents) are equal.
public struct UserName: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The most bytes of a name.
    public static let maximumBytes = 255

    /// The name.
    public let value: String

    /// Checks a name: 1 to 255 bytes, no control characters, no white space at its ends.
    ///
    /// - Parameter value: The name.
    /// - Throws: ``NodeError`` with `userNameInvalid`, saying what is wrong but not repeating the name.
    package init(_ value: String) throws(NodeError) {
        if let fault = Self.fault(in: value) { throw NodeError(.userNameInvalid, "the user name \(fault)") }
        self.value = value
    }

    /// Takes a name that passes the rules of the other initialiser.
    ///
    /// - Parameter value: The name; `nil` comes back when it is empty, too long, holds a control character or has white
    ///   space at its ends.
    public init?(validating value: String) {
        guard Self.fault(in: value) == nil else { return nil }
        self.value = value
    }

    /// The name.
    public var description: String { value }

    /// By Unicode order.
    ///
    /// - Parameters:
    ///   - left: One name.
    ///   - right: Another.
    /// - Returns: Whether the left one comes first.
    public static func < (left: UserName, right: UserName) -> Bool { left.value < right.value }

    /// What is wrong with a name, as the end of a sentence; `nil` when nothing is.
    static func fault(in value: String) -> String? {
        if value.isEmpty { return "is empty" }
        if value.utf8.count > maximumBytes { return "has \(value.utf8.count) bytes; the limit is \(maximumBytes)" }
        let scalars = value.unicodeScalars
        if scalars.contains(where: { $0.properties.generalCategory == .control }) { return "holds a control character" }
        if scalars.first?.properties.isWhitespace == true || scalars.last?.properties.isWhitespace == true {
            return "begins or ends with white space"
        }
        return nil
    }
}
