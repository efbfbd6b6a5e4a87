// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
package import Storage

/// The limits and habits of a mail store.
package struct MailStoreOptions: Sendable {
    /// The character between the levels of a mailbox name.
    package var hierarchySeparator: Character = "/"
    /// The largest message, in octets.
    package var messageBytes: UInt64 = 64 << 20
    /// The most mailboxes of one account.
    package var mailboxesPerAccount = 10_000
    /// The longest mailbox name, in octets of UTF-8.
    package var mailboxNameBytes = 1_000
    /// The deepest mailbox name, in levels.
    package var mailboxNameLevels = 32
    /// The octets of log after which the engine is brought forward.
    package var checkpointBytes: UInt64 = 32 << 20
    /// The changed records after which the engine is brought forward.
    package var checkpointRecords = 20_000
    /// The longest time for which a change stays in the log alone, in milliseconds.
    package var checkpointMilliseconds = 30_000
    /// The octets of log that are still brought into the engine when the store closes; more is left to the next start, which reads
    /// it from the log, so that a process ends promptly.
    package var closingCheckpointBytes: UInt64 = 8 << 20
    /// The messages whose records stay in memory although nobody has their mailbox selected.
    package var residentMessages = 500_000
    /// The free space below which writing is refused, so that what is accepted can be finished, in octets.
    package var reservedDiskBytes: UInt64 = 32 << 20
    /// The octets of a body in one frame of the log.
    package var bodyChunkBytes = 128 << 10
    /// The largest body that is kept in memory until it is complete, and so shares its commit with the operation.
    package var inlineBodyBytes = 256 << 10
    /// The octets of one segment of the log.
    package var segmentBytes: UInt64 = 64 << 20
    /// The replication group of the store's users; it is part of every operation, and a store never changes it.
    package var partition = PartitionID(0)
    /// The share of the UIDs that this replica gives out; ``UIDStripe/sole`` for a node that is alone.
    package var uidStripe = UIDStripe.sole
    /// How long APPEND, COPY and MOVE wait for UIDs that another replica assigns, in milliseconds; then they succeed without.
    ///
    /// Half a second is two round trips between far regions, with the commits at both ends; only the first write after an owner fell silent waits as long.
    package var assignmentWaitMilliseconds = 500
    /// What returns when this time is over, and throws when it is cancelled; tests put another one here.
    package var assignmentTimer: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    /// How long reading waits for a body that has not arrived, in milliseconds.
    package var bodyWaitMilliseconds = 10_000
    /// The octets of log that are kept for peers that are away; one that needs more gets a snapshot.
    package var retentionBytes: UInt64 = 1 << 30
    /// The octets between the places of the log that are remembered for peers, at first; more when the log is long.
    package var logMarkBytes: UInt64 = 64 << 10
    /// The octets of log over which a body may take to arrive; then it begins anew, so that the log can be cut.
    package var arrivalBytes: UInt64 = 256 << 20
    /// The operations of others that are applied before others get their turn.
    package var operationsPerTurn = 2_000
    /// The files under the log; tests put failing ones here.
    package var logFiles: any LogFileSystem = PosixLogFileSystem()
    /// The files under the replacement of the engine by a snapshot; tests put failing ones here.
    package var engineFiles: any EngineFileSystem = PosixEngineFileSystem()
    /// The mailboxes that an account has from the start, besides INBOX.
    package var provisionedMailboxes: [ProvisionedMailbox] = ProvisionedMailbox.standard

    /// The defaults.
    package init() {}
}

extension MailStoreOptions {
    /// The limits of an account.
    var accountLimits: AccountLimits {
        AccountLimits(
            maximumNameBytes: mailboxNameBytes, maximumMailboxes: mailboxesPerAccount,
            maximumSubscriptions: mailboxesPerAccount * 2)
    }
}
