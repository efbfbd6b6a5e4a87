// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Crypto

/// Authenticates against the users of a file.
///
/// Every attempt costs the same, whoever it is for: one SHA-256 of the password, and, when any user of the file has a
/// salted hash, one scrypt. For an unknown user, and for one with a plain password, the scrypt runs against a hash that
/// nothing matches, with the dearest parameters in the file. (Users whose hash has cheaper parameters answer sooner;
/// give all the same.)
package struct FileAuthenticator: Authenticator {
    private let directory: UserDirectory
    private let verifier: PasswordVerifier
    /// Stands in for the plain password of an unknown user.
    private let unknownDigest: SHA256Digest
    /// Stands in for the hash of an unknown user; `nil` when the file has no hashes.
    let unknownHash: PasswordHash?

    /// Creates an authenticator.
    ///
    /// - Parameters:
    ///   - directory: The users.
    ///   - verifier: Runs the hashing; shared and closed by the owner.
    /// - Throws: ``NodeError`` with `passwordHashMalformed` when there is no memory for one hash.
    package init(directory: UserDirectory, verifier: PasswordVerifier) throws(NodeError) {
        self.directory = directory
        self.verifier = verifier
        let nobodysPassword = (0..<32).map { _ in UInt8.random(in: 0 ... .max) }
        unknownDigest = SHA256.hash(data: nobodysPassword)
        if let parameters = directory.dearestParameters {
            unknownHash = try PasswordHash.make(password: nobodysPassword, parameters: parameters)
        } else {
            unknownHash = nil
        }
    }

    /// Checks a name and a password.
    ///
    /// - Parameters:
    ///   - user: The name as the client sent it.
    ///   - password: The password's bytes as the client sent them.
    ///   - client: The client's address; not used.
    /// - Returns: The outcome; `unavailable` when too many attempts are waiting.
    package func authenticate(user: String, password: [UInt8], client: String) async -> AuthenticationOutcome {
        // How long a password is, its sender knows: refusing it early tells nothing.
        guard password.count <= PasswordHash.maximumPasswordBytes else { return .rejected }
        let entry = directory.entry(for: user)
        var digest = unknownDigest
        var hash = unknownHash
        var isHashed = false
        switch entry?.password.form {
        case .plain(let stored): digest = stored
        case .hash(let stored): (hash, isHashed) = (stored, true)
        case nil: break
        }
        let isPlainMatch = SHA256.hash(data: password) == digest
        var isHashMatch = false
        if let hash {
            guard let verdict = await verifier.verify(password, against: hash) else {
                return .unavailable("too many logins at the moment; try again")
            }
            isHashMatch = verdict
        }
        guard let entry, isHashed ? isHashMatch : isPlainMatch else { return .rejected }
        return .accepted(entry.name)
    }
}
