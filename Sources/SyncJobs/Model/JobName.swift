// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The name of a job: what people, paths and peers call it.
///
/// It is a name of a folder too, so it has no `/`, no control character, is neither `.` nor `..`, does not begin with `-`, and has 1 to 255 bytes.
public struct JobName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The text of the name.
    public let text: String

    /// Checks a name from outside; nothing comes of one that breaks a rule of the type.
    ///
    /// - Parameter text: what it is to be.
    public init?(_ text: String) {
        let bytes = text.utf8
        guard (1...255).contains(bytes.count), text != ".", text != "..", bytes.first != UInt8(ascii: "-"),
            !bytes.contains(where: { $0 < 0x20 || $0 == 0x7f || $0 == UInt8(ascii: "/") })
        else { return nil }
        self.text = text
    }

    /// The text of the name.
    public var description: String { text }

    /// Orders by the characters of the names.
    public static func < (left: JobName, right: JobName) -> Bool { left.text < right.text }
}
