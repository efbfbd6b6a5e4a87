// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// One complete command as it came over the wire, with its literals in place and without the line break at its end.
///
/// Lines within it end with CRLF, whatever the client sent. It may hold a password, so its description hides it.
public struct CommandText: Hashable, Sendable {
    /// The bytes.
    public let bytes: [UInt8]

    /// Wraps bytes.
    ///
    /// - Parameter bytes: the bytes of the command.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Wraps text, for tests and tools.
    ///
    /// - Parameter text: the command.
    public init(_ text: String) {
        self.bytes = Array(text.utf8)
    }
}

extension CommandText: CustomStringConvertible, CustomReflectable {
    /// The length only.
    public var description: String { "<command of \(bytes.count) bytes>" }

    /// A mirror without children.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
