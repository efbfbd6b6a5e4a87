// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Crypto
internal import MirrorConfig

/// The tokens that the manager knows, as digests: the tokens themselves are not kept.
struct TokenTable: Sendable {
    /// The digest of a token.
    struct Digest: Hashable, Sendable {
        let bytes: [UInt8]

        init(of secret: String) { bytes = Array(SHA256.hash(data: Array(secret.utf8))) }

        /// Whether both are equal, in a time that does not depend on where they differ.
        func isEqual(to other: Digest) -> Bool {
            guard bytes.count == other.bytes.count else { return false }
            return zip(bytes, other.bytes).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
        }
    }

    private struct Entry: Sendable {
        let digest: Digest
        let principal: Principal
    }

    private let entries: [Entry]

    init(_ tokens: [TokenSettings]) {
        entries = tokens.filter { !$0.secret.value.isEmpty }.map { token in
            Entry(
                digest: Digest(of: token.secret.value),
                principal: Principal(name: token.name, role: token.role, scope: token.scope))
        }
    }

    /// Who has a token with this digest; all entries are looked at, whichever it is.
    func principal(for digest: Digest) -> Principal? {
        var found: Principal?
        for entry in entries where entry.digest.isEqual(to: digest) && found == nil { found = entry.principal }
        return found
    }
}
