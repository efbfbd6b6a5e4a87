// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A value of a configuration file, with the line where it stands.
package struct ConfigValue: Sendable {
    /// What the value is.
    package enum Kind: Sendable {
        /// A text.
        case text(String)
        /// A whole number.
        case integer(Int)
        /// `true` or `false`.
        case boolean(Bool)
        /// A list.
        case list([ConfigValue])
        /// A table: keys and values.
        case table([String: ConfigValue])
        /// A number that is not whole.
        case fraction(Double)
        /// A kind of value that no key of ours takes: a date, a time.
        case other(String)
    }

    /// What the value is.
    package let kind: Kind
    /// The line of its key or of its table's header, from 1.
    package let line: Int
    /// The file, as it was named; empty means the one that the report is about.
    package let file: String

    /// Joins a value and its place.
    ///
    /// - Parameters:
    ///   - kind: What the value is.
    ///   - line: The line of its key or of its table's header, from 1.
    ///   - file: The file, as it was named; empty means the one that the report is about.
    package init(kind: Kind, line: Int, file: String = "") {
        self.kind = kind
        self.line = line
        self.file = file
    }

    /// Where it stands.
    package var place: ConfigPlace { ConfigPlace(file: file, line: line) }

    /// What the value is, in words for messages.
    package var name: String {
        switch kind {
        case .text: "a text"
        case .integer: "a whole number"
        case .boolean: "true or false"
        case .list: "a list"
        case .table: "a table"
        case .fraction: "a fraction"
        case .other(let name): name
        }
    }
}

/// A value that was read, with the line where it stands.
package struct Located<Value> {
    /// The value.
    package let value: Value
    /// The line, from 1.
    package let line: Int

    /// The file, as it was named; empty means the one that the report is about.
    package let file: String

    /// Joins a value and its line.
    ///
    /// - Parameters:
    ///   - value: The value.
    ///   - line: The line, from 1.
    ///   - file: The file, as it was named; empty means the one that the report is about.
    package init(_ value: Value, line: Int, file: String = "") {
        self.value = value
        self.line = line
        self.file = file
    }

    /// Joins a value and its place.
    ///
    /// - Parameters:
    ///   - value: The value.
    ///   - place: Where it stands.
    package init(_ value: Value, at place: ConfigPlace) {
        self.init(value, line: place.line, file: place.file)
    }

    /// Where it stands.
    package var place: ConfigPlace { ConfigPlace(file: file, line: line) }

    /// The same place with another value.
    ///
    /// - Parameter transform: Makes the other value.
    /// - Returns: What it made, at this line.
    package func map<Other>(_ transform: (Value) -> Other) -> Located<Other> {
        Located<Other>(transform(value), line: line, file: file)
    }
}

extension Located: Sendable where Value: Sendable {}
