// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Crypto
internal import FoundationEssentials

/// A password as a directory of users keeps it.
///
///     stored = "{PLAIN}" password / "{SCRYPT}" ... / "{SHA512}" base64 / "{SSHA512}" base64 / password
///
/// `{SHA512}` is the SHA-512 of the password and `{SSHA512}` that of the password and a salt, which follows the digest
/// inside the base64 (both as Dovecot writes them; the first is what the original's database holds). They are for
/// moving in only: they cost an attacker next to nothing to try. Scheme names are case-insensitive. A plain password is kept as its SHA-256 only, so that it is not in memory longer
/// than needed and comparing it takes a time that does not depend on it. It never prints itself.
package struct StoredPassword: Sendable, CustomStringConvertible, CustomReflectable {
    enum Form: Sendable {
        /// The SHA-256 of a plain password.
        case plain(SHA256Digest)
        /// The SHA-512 of a password and what follows it.
        case sha512(digest: [UInt8], salt: [UInt8])
        /// A salted hash.
        case hash(PasswordHash)
    }

    let form: Form

    /// Reads what a directory keeps for a user.
    ///
    /// - Parameters:
    ///   - text: The password or its hash.
    ///   - allowsBare: Whether text without a scheme is a plain password. A database may hold hashes of a kind that is
    ///     not known here; there such text must not become a password.
    /// - Throws: ``NodeError`` with `passwordInvalid` or `passwordHashMalformed`; the message does not repeat the text.
    package init(parsing text: String, allowsBare: Bool = true) throws(NodeError) {
        guard let end = Self.schemeEnd(of: text) else {
            guard allowsBare else { throw Self.unknownScheme("the password has no scheme") }
            form = try Self.plain(text)
            return
        }
        let rest = String(text[end...])
        switch text[..<end].uppercased() {
        case "{PLAIN}": form = try Self.plain(rest)
        case PasswordHash.scheme: form = .hash(try PasswordHash(parsing: PasswordHash.scheme + rest))
        case "{SHA512}": form = try Self.sha512(rest, isSalted: false)
        case "{SSHA512}": form = try Self.sha512(rest, isSalted: true)
        default: throw Self.unknownScheme("the password's scheme is not known")
        }
    }

    /// `<redacted>`.
    package var description: String { Redacted<Never>.placeholder }

    /// A mirror without children.
    package var customMirror: Mirror { Mirror(self, children: []) }

    private static func unknownScheme(_ fault: String) -> NodeError {
        NodeError(
            .passwordInvalid,
            "\(fault); use {SCRYPT} (pluto hash-password makes it), {SHA512}, {SSHA512} or {PLAIN}, and {PLAIN} also "
                + "before a password that begins with a brace"
        )
    }

    /// Reads a SHA-512 digest, followed by the salt if there is one.
    private static func sha512(_ text: String, isSalted: Bool) throws(NodeError) -> Form {
        let digestBytes = SHA512.byteCount
        let saltBytes = isSalted ? 1...maximumSaltBytes : 0...0
        // 4/3 of the longest; what is longer is not worth decoding.
        guard text.utf8.count <= (digestBytes + maximumSaltBytes + 2) / 3 * 4, let data = Data(base64Encoded: text),
            saltBytes.contains(data.count - digestBytes)
        else {
            throw NodeError(
                .passwordHashMalformed,
                isSalted
                    ? "{SSHA512} must be followed by a 64-byte digest and a salt of up to \(maximumSaltBytes) bytes in "
                        + "base64" : "{SHA512} must be followed by a 64-byte digest in base64")
        }
        return .sha512(digest: Array(data.prefix(digestBytes)), salt: Array(data.dropFirst(digestBytes)))
    }

    private static let maximumSaltBytes = 64

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
