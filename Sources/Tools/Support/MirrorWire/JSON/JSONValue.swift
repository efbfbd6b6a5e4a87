// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A JSON text as it was read; the order of members and equal names stay.
package enum JSONValue: Hashable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number as it was written.
    case number(String)
    /// A string.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object.
    case object([JSONMember])

    /// What messages call its type.
    var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "a truth value"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// A member of a JSON object.
package struct JSONMember: Hashable, Sendable {
    /// The name as it was written.
    package let name: String
    /// The value.
    package let value: JSONValue

    /// Creates a member.
    package init(name: String, value: JSONValue) {
        self.name = name
        self.value = value
    }
}
