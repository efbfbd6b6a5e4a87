// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The digest of one account.
public struct AccountDigest: Hashable, Sendable {
    /// The account's name.
    public var account: String
    /// The digest of its state.
    public var digest: StateDigest

    /// Ties an account to its digest.
    ///
    /// - Parameters:
    ///   - account: the account's name.
    ///   - digest: the digest of its state.
    public init(account: String, digest: StateDigest) {
        self.account = account
        self.digest = digest
    }
}

/// A run of the accounts of a store with their digests, by which two stores find where they differ.
public struct DigestPage: Hashable, Sendable {
    /// What the store had delivered when the digests were taken: they are compared only at equal vectors.
    public var vector: [StreamPosition]
    /// The accounts in the order of the bytes of their names, each name once; accounts without any state are left out.
    public var entries: [AccountDigest]
    /// Whether no account follows.
    public var isLast: Bool

    /// Puts a page together.
    ///
    /// - Parameters:
    ///   - vector: what the store had delivered.
    ///   - entries: the accounts in the order of the bytes of their names.
    ///   - isLast: whether no account follows.
    public init(vector: [StreamPosition], entries: [AccountDigest], isLast: Bool) {
        self.vector = vector
        self.entries = entries
        self.isLast = isLast
    }
}
