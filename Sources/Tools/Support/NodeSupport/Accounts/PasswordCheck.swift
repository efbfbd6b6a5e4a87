// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Crypto

/// Compares passwords with what a directory keeps, at the same cost whoever is asked for.
///
/// Every comparison is one SHA-256, one SHA-512 and, when any user of the directory has a salted scrypt hash, one
/// scrypt. For an unknown user, and for one with another kind of password, the scrypt runs against a hash that nothing
/// matches, with the dearest parameters of the directory. (Users whose hash has cheaper parameters answer sooner; give
/// all the same.) Digests are compared in a time that does not depend on them.
package struct PasswordCheck: Sendable {
    /// Stands in for the plain password of an unknown user.
    private let unknownDigest: SHA256Digest
    /// Stands in for the hash of an unknown user; `nil` when the directory has no such hashes.
    let unknownHash: PasswordHash?

    /// Prepares comparisons.
    ///
    /// - Parameter dearest: The dearest scrypt parameters of the directory; `nil` when it has no such hashes.
    package init(dearest: PasswordHash.Parameters?) {
        unknownDigest = SHA256.hash(data: (0..<32).map { _ in UInt8.random(in: 0 ... .max) })
        unknownHash = dearest.map { PasswordHash.unmatchable(parameters: $0) }
    }

    /// The dearest parameters that it makes up for.
    package var dearest: PasswordHash.Parameters? { unknownHash?.parameters }

    /// Compares a password.
    ///
    /// - Parameters:
    ///   - password: What somebody gave.
    ///   - stored: What the directory keeps; `nil` for an unknown user.
    ///   - verifier: Runs the scrypt.
    /// - Returns: Whether there is such a user and it is the password; `nil` when too many are waiting.
    package func matches(
        _ password: [UInt8], _ stored: StoredPassword?, verifier: PasswordVerifier
    ) async -> Bool? {
        // How long a password is, its sender knows: refusing it early tells nothing.
        guard password.count <= PasswordHash.maximumPasswordBytes else { return false }
        var digest = unknownDigest
        var digest512 = [UInt8](repeating: 0, count: SHA512.byteCount)
        var salt: [UInt8] = []
        var hash = unknownHash
        switch stored?.form {
        case .plain(let stored): digest = stored
        case .sha512(let stored, let its): (digest512, salt) = (stored, its)
        case .hash(let stored): hash = stored
        case nil: break
        }
        let isPlainMatch = SHA256.hash(data: password) == digest
        let isSHA512Match = SHA512.hash(data: password + salt) == digest512
        var isHashMatch = false
        if let hash {
            guard let verdict = await verifier.verify(password, against: hash) else { return nil }
            isHashMatch = verdict
        }
        switch stored?.form {
        case .plain: return isPlainMatch
        case .sha512: return isSHA512Match
        case .hash: return isHashMatch
        case nil: return false
        }
    }
}

extension StoredPassword {
    /// The cost of comparing with it, when it is a scrypt hash.
    package var parameters: PasswordHash.Parameters? {
        if case .hash(let hash) = form { hash.parameters } else { nil }
    }
}
