// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a store knows of a message without reading it.
public struct MessageAttributes: Hashable, Sendable {
    /// The identifier.
    public let uid: UID
    /// The flags, without `\Recent`.
    public let flags: [Flag]
    /// The internal date with its zone (RFC 3501 section 2.3.3).
    public let internalDate: DateTime
    /// The size in bytes (RFC 3501 section 2.3.4).
    public let byteCount: Int
    /// The modification sequence of the last change (RFC 7162 section 3.1); never zero.
    public let modSequence: ModSequence

    /// Describes a message.
    ///
    /// - Parameters:
    ///   - uid: the identifier.
    ///   - flags: the flags.
    ///   - internalDate: the internal date with its zone.
    ///   - byteCount: the size in bytes.
    ///   - modSequence: the modification sequence of the last change.
    public init(uid: UID, flags: [Flag], internalDate: DateTime, byteCount: Int, modSequence: ModSequence) {
        self.uid = uid
        self.flags = flags
        self.internalDate = internalDate
        self.byteCount = byteCount
        self.modSequence = modSequence
    }
}
