// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Crypto

/// A password as the users file gives it.
///
///     stored = "{PLAIN}" password / "{SCRYPT}" ... / password
///
/// Scheme names are case-insensitive. A plain password is kept as its SHA-256 only, so that it is not in memory longer
/// than needed and comparing it takes a time that does not depend on it. It never prints itself.
package struct StoredPassword: Sendable, CustomStringConvertible, CustomReflectable {
    enum Form: Sendable {
        /// The SHA-256 of a plain password.
        case plain(SHA256Digest)
        /// A salted hash.
        case hash(PasswordHash)
    }

    let form: Form

    /// Reads the part of a users file's line behind the separator.
    ///
    /// - Parameter text: The password or its hash.
    /// - Throws: ``NodeError`` with `passwordInvalid` or `passwordHashMalformed`; the message does not repeat the text.
    package init(parsing text: String) throws(NodeError) {
        guard let end = Self.schemeEnd(of: text) else {
            form = try Self.plain(text)
            return
        }
        let rest = String(text[end...])
        switch text[..<end].uppercased() {
        case "{PLAIN}": form = try Self.plain(rest)
        case PasswordHash.scheme: form = .hash(try PasswordHash(parsing: PasswordHash.scheme + rest))
        default:
            throw NodeError(
                .passwordInvalid,
                "the password's scheme is not known; use {PLAIN} or {SCRYPT}, and {PLAIN} also before a password "
                    + "that begins with a brace"
            )
        }
    }

    /// `<redacted>`.
    package var description: String { Redacted<Never>.placeholder }

    /// A mirror without children.
    package var customMirror: Mirror { Mirror(self, children: []) }

    private static func plain(_ text: String) throws(NodeError) -> Form {
        let bytes = Array(text.utf8)
        guard (1...PasswordHash.maximumPasswordBytes).contains(bytes.count) else {
            throw NodeError(
                .passwordInvalid,
                "the password has \(bytes.count) bytes; give 1 to \(PasswordHash.maximumPasswordBytes)")
        }
        return .plain(SHA256.hash(data: bytes))
    }

    /// Where a scheme at the beginning ends.
    ///
    /// `scheme = "{" 1*32(ALPHA / DIGIT / "-" / "." / "_") "}"`
    private static func schemeEnd(of text: String) -> String.Index? {
        guard text.hasPrefix("{"), let close = text.utf8.prefix(34).firstIndex(of: 0x7D) else { return nil }
        let name = text.utf8[text.utf8.index(after: text.startIndex)..<close]
        let isName = name.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
            default: false
            }
        }
        return isName && !name.isEmpty ? text.utf8.index(after: close) : nil
    }
}
