// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// What must hold of the decoders of snapshot records, whatever an engine returns.
///
/// An input is a run of blocks: one byte for the kind, the length as two little-endian bytes, and the record without its
/// check, which is added here; a fuzzer would not find it.
package enum RecordProperty {
    /// Checks one account made of records.
    ///
    /// - Parameter input: the blocks.
    /// - Returns: what is wrong; nil when all is well.
    package static func violation(in input: [UInt8]) -> String? {
        var records = Records(account: AccountState().accountRecord())
        var blocks = PropertyInput(input)
        while !blocks.isEmpty {
            let kind = blocks.byte()
            var record = blocks.block()
            RecordWriter.seal(&record)
            switch kind & 3 {
            case 0: records.account = record
            case 1: records.mailboxes.append(record)
            case 2: records.messages.append(record)
            default: records.subscriptions.append(record)
            }
        }
        let context = ApplyContext(replicas: [ReplicaID(1), ReplicaID(2)], keywords: ["$a", "$b"])
        do throws(CRDTError) {
            let state = try records.state(context)
            if let problem = state.checkInvariants() { return problem }
            return try reloadViolation(state, context: context)
        } catch {
            return nil  // Most inputs are no account.
        }
    }

    /// Writes an account, reads it again and compares.
    ///
    /// - Parameters:
    ///   - state: the account, all of whose mailboxes are resident.
    ///   - context: the names in it.
    /// - Returns: what is wrong; nil when all is well.
    /// - Throws: what the decoders say.
    static func reloadViolation(
        _ state: borrowing AccountState, context: ApplyContext
    ) throws(CRDTError) -> String? {
        for mailbox in state.recordedMailboxes where !state.isResident(mailbox) { return nil }
        let records = Records(state)
        let again = try records.state(context)
        if let problem = again.checkInvariants() { return problem }
        if again.digest != state.digest { return "a reload changes the digest" }
        return Records(again) == records ? nil : "a reload changes the records"
    }

    /// An account as its engine has it.
    private struct Records: Equatable {
        var account: [UInt8]
        var mailboxes: [[UInt8]] = []
        var messages: [[UInt8]] = []
        var subscriptions: [[UInt8]] = []
        /// How many of the messages belong to each mailbox; nil when nobody knows.
        var counts: [Int]?

        init(account: [UInt8]) { self.account = account }

        init(_ state: borrowing AccountState) {
            account = state.accountRecord()
            var counts: [Int] = []
            for mailbox in state.recordedMailboxes {
                mailboxes.append(state.mailboxRecord(of: mailbox) ?? [])
                let ids = state.recordIDs(in: mailbox)
                counts.append(ids.count)
                for id in ids { messages.append(state.messageRecord(of: id, in: mailbox) ?? []) }
            }
            for name in state.subscriptions.dotsByName.keys.sorted() {
                subscriptions.append(state.subscriptionRecord(of: name) ?? [])
            }
            self.counts = counts
        }

        func state(_ context: ApplyContext) throws(CRDTError) -> AccountState {
            var state = try AccountState(
                account: account, mailboxes: mailboxes, subscriptions: subscriptions, context: context)
            var rest = messages[...]
            for (index, mailbox) in state.recordedMailboxes.enumerated() {
                if state.isResident(mailbox) { continue }
                let known = state.recordCount(of: mailbox)
                let count = counts.map { $0[index] } ?? Int(clamping: known)
                var installation = MessageInstallation(mailbox: mailbox, capacity: min(count, rest.count))
                for record in rest.prefix(count) { try installation.add(record.span) }
                rest = rest.dropFirst(count)
                try state.installMessages(installation)
            }
            return state
        }
    }
}
