// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import IMAPCore
internal import MailStore

extension IMAPConnection {
    mutating func performOnMessages(_ request: SessionRequest) async throws -> SessionReply? {
        guard let mailbox = open?.mailbox else { throw MailStoreError(.noSuchMailbox, "no mailbox is selected") }
        switch request {
        case .fetch(let request): return .fetched(try await fetch(request, in: mailbox))
        case .store(let request): return .stored(try await store(request, in: mailbox))
        case .copy(let targets, let name):
            return .copied(try outcome(try await mailbox.copy(uids(targets), to: name.value)))
        case .move(let targets, let name):
            return .moved(try outcome(try await mailbox.move(uids(targets), to: name.value)))
        case .expunge(let candidates):
            return .expunged(try await mailbox.expunge(candidates.map { $0.map(\.rawValue) }).map(FlagMapping.uid))
        case .search(let request): return .found(try await search(request, in: mailbox))
        case .poll:
            try await mailbox.barrier()
            return .done
        case .authenticate, .listMailboxes, .createMailbox, .deleteMailbox, .renameMailbox, .subscribe, .unsubscribe,
            .status, .select, .deselect, .append, .appendEnd, .appendAbort:
            return nil
        }
    }

    private func store(_ request: StoreRequest, in mailbox: OpenMailbox) async throws -> StoreOutcome {
        let names = FlagMapping.stored(request.flags)
        let change: FlagEdit =
            switch request.mode {
            case .add: .add(names)
            case .remove: .remove(names)
            case .replace: .replace(names)
            }
        let wanted = uids(request.targets)
        let result = try await mailbox.store(wanted, change, unchangedSince: request.unchangedSince?.rawValue)
        let found = (result.stored + result.modified).map(\.uid).sorted()
        return StoreOutcome(
            flags: try result.stored.map(Self.flags), modified: try result.modified.map(Self.flags),
            missingUIDs: try missing(wanted, found: found))
    }

    private static func flags(_ message: StoredMessage) throws -> MessageFlags {
        MessageFlags(
            uid: try FlagMapping.uid(message.uid), flags: FlagMapping.wire(message.flags),
            modSequence: ModSequence(clamping: message.modSeq))
    }

    private func outcome(_ result: CopyResult) throws -> CopyOutcome {
        CopyOutcome(
            uidValidity: try FlagMapping.validity(result.uidValidity),
            sourceUIDs: try result.sources.map(FlagMapping.uid),
            destinationUIDs: try result.targets.map(FlagMapping.uid),
            missingUIDs: try result.missing.map(FlagMapping.uid))
    }

    func uids(_ targets: [MessageTarget]) -> [UInt32] { targets.map(\.uid.rawValue) }

    /// The wanted UIDs that were not found; both ascend.
    func missing(_ wanted: [UInt32], found: [UInt32]) throws -> [UID] {
        var missing: [UID] = []
        var position = 0
        for uid in wanted {
            if position < found.count, found[position] == uid {
                position += 1
            } else {
                missing.append(try FlagMapping.uid(uid))
            }
        }
        return missing
    }
}
