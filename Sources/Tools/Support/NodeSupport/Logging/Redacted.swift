// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Holds a value that must not reach a log: however it is printed, `<redacted>` comes out.
package struct Redacted<Value>: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// What every printed form of a redacted value says.
    package static var placeholder: String { "<redacted>" }

    /// The value itself, for the code that needs it.
    package let value: Value

    /// Wraps a value.
    ///
    /// - Parameter value: The secret.
    package init(_ value: Value) {
        self.value = value
    }

    /// `<redacted>`.
    package var description: String { Self.placeholder }

    /// `<redacted>`.
    package var debugDescription: String { Self.placeholder }

    /// A mirror without children, so that `dump` shows nothing either.
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension Redacted: Sendable where Value: Sendable {}
extension Redacted: Equatable where Value: Equatable {}
