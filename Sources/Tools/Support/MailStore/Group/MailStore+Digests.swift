// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
internal import Storage
internal import Synchronization

extension MailStore {
    /// A run of the accounts with their digests, by which two stores find where they differ.
    ///
    /// - Parameters:
    ///   - name: only accounts after this one, in the order of the bytes of their names; nil for the first.
    ///   - limit: the most accounts.
    /// - Returns: the page, all of it at one vector; nil if the store was changed while the page was made, or is being brought up to date.
    /// - Throws: ``MailStoreError``.
    package func accountDigests(after name: String?, limit: Int) throws -> DigestPage? {
        let (names, delivered, vector, generation) = core.withLock { core in
            (core.accountNames, core.replica.delivered, core.positions(core.replica.delivered), core.generation)
        }
        let order = names.indices.filter { index in name.map { Self.isOrdered($0, names[index]) } ?? true }
            .sorted { Self.isOrdered(names[$0], names[$1]) }
        var page = DigestPage(vector: vector, entries: [], isLast: true)
        for position in order {
            if page.entries.count >= limit {
                page.isLast = false
                break
            }
            let digest = try digest(of: AccountIndex(UInt32(truncatingIfNeeded: position)))
            if digest != StateDigest() {
                page.entries.append(AccountDigest(account: names[position], digest: digest))
            }
        }
        let isSame = core.withLock { core in
            core.replica.delivered == delivered && core.generation == generation && !core.isBehindSnapshot
        }
        return isSame ? page : nil
    }

    private static func isOrdered(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    /// The digest of an account; one that is not in memory has not changed since it was written.
    private func digest(of account: AccountIndex) throws -> StateDigest {
        if let digest = core.withLock({ $0.accounts[account]?.state.digest }) { return digest }
        let reader = EngineReader(engine: engine, limits: accountLimits)
        do { return try reader.digest(of: account) } catch { throw MailStoreError(error) }
    }
}
