// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The client's label of one command, repeated in the tagged response that ends it (RFC 3501 section 2.2.1).
///
/// A value of this type always holds a syntactically valid tag of 1 to `Tag.maximumBytes` bytes, so it can be echoed
/// without quoting.
public struct Tag: Hashable, Sendable {
    /// The most bytes a tag may have; longer ones are treated as garbage.
    public static let maximumBytes = 128

    /// The bytes of the tag: printable ASCII that needs no quoting.
    public let bytes: [UInt8]

    /// Makes a tag of bytes that satisfy the grammar.
    ///
    ///     tag = 1*<any ASTRING-CHAR except "+">
    ///
    /// The result is nil when a byte is not allowed in a tag, or there are none or too many.
    ///
    /// - Parameter bytes: the candidate.
    public init?(_ bytes: some Collection<UInt8>) {
        guard !bytes.isEmpty, bytes.count <= Self.maximumBytes, bytes.allSatisfy(ByteClass.isTag) else { return nil }
        self.bytes = Array(bytes)
    }

    /// Makes a tag of text that satisfies the grammar.
    ///
    /// The result is nil when the text is not a tag.
    ///
    /// - Parameter text: the candidate, for example `a001`.
    public init?(_ text: String) {
        self.init(text.utf8)
    }
}

extension Tag: CustomStringConvertible {
    /// The tag as text.
    public var description: String { String(decoding: bytes, as: UTF8.self) }
}
