// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
internal import Storage
internal import Synchronization

/// The snapshots that are under way to and from peers.
struct Transfers {
    var exports: [TransferID: SnapshotExporter] = [:]
    var arriving: SnapshotImporter?
}

extension MailStore {
    /// Begins a snapshot for a peer; the log behind it is kept until ``endExport(_:)``.
    ///
    /// - Parameters:
    ///   - transfer: the transfer.
    ///   - scope: what is exported.
    /// - Throws: ``MailStoreError`` with `catchingUp` if the store is itself being brought up to date, `unavailable` if it has no such account.
    package func beginExport(_ transfer: TransferID, _ scope: SnapshotScope) throws(MailStoreError) {
        let exporter = try core.withLock { core throws(MailStoreError) -> SnapshotExporter in
            guard core.failure == nil, !core.isClosed, !core.isBehindSnapshot else {
                throw MailStoreError(.unavailable, "the store cannot make a snapshot at the moment")
            }
            var accounts = core.accountNames.indices.map { AccountIndex(UInt32(truncatingIfNeeded: $0)) }
            if case .account(let name) = scope {
                accounts = accounts.filter { core.replica.symbols.name(of: $0) == name }
                if accounts.isEmpty { throw MailStoreError(.unavailable, "there is no such account here") }
            }
            core.group.exportHolds[transfer] = core.log.end
            return SnapshotExporter(
                store: self, export: SnapshotExport(scope, of: core.replica), accounts: accounts, era: core.era,
                receipt: Receipt(core))
        }
        transfers.withLock { $0.exports[transfer] = exporter }
    }

    /// Makes the next part of a snapshot, or gives out one of the last again.
    ///
    /// - Parameters:
    ///   - transfer: the transfer.
    ///   - index: the number of the part.
    /// - Returns: the part, of which everything is durable here.
    /// - Throws: ``MailStoreError``; the transfer is to be ended then.
    package func exportPart(_ transfer: TransferID, index: UInt64) async throws -> SnapshotPart {
        guard let exporter = transfers.withLock({ $0.exports[transfer] }) else {
            throw MailStoreError(.unavailable, "there is no such transfer")
        }
        return try await exporter.part(index)
    }

    /// Ends a snapshot, complete or not.
    ///
    /// - Parameter transfer: the transfer.
    package func endExport(_ transfer: TransferID) async {
        let exporter = transfers.withLock { $0.exports.removeValue(forKey: transfer) }
        core.withLock { _ = $0.group.exportHolds.removeValue(forKey: transfer) }
        await exporter?.end()
    }
}
