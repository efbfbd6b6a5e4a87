// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The number by which a user is placed: the ranges of a cluster's configuration (`UserStart`, `UserEnd`) are of these.
///
/// In a users file it is the number of the line, from 1; in a database it is the row's `id`.
public struct UserID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number.
    public let rawValue: Int64

    /// Makes an ID of a number.
    ///
    /// - Parameter rawValue: The number.
    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// The number in decimal.
    public var description: String { String(rawValue) }

    /// By number.
    ///
    /// - Parameters:
    ///   - left: One ID.
    ///   - right: Another.
    /// - Returns: Whether the left one is smaller.
    public static func < (left: UserID, right: UserID) -> Bool { left.rawValue < right.rawValue }
}

/// Somebody whose password was right.
public struct AuthenticatedUser: Hashable, Sendable {
    /// The name as the directory spells it, which may differ from what the client sent.
    public let name: UserName
    /// The number that says which worker serves this user.
    public let id: UserID

    /// Names a user.
    ///
    /// - Parameters:
    ///   - name: The name as the directory spells it.
    ///   - id: The number in the directory.
    public init(name: UserName, id: UserID) {
        self.name = name
        self.id = id
    }
}
