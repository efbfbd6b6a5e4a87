// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// Turns a step's numbers into one of the commands that are possible in a state.
enum HistoryCommand {
    static func run(
        _ step: HistoryScript.Step, on state: inout AccountState, batch: inout OperationBatch
    ) throws(CRDTError) {
        let validity = UIDValiditySource(nowSeconds: HistoryWorld.seconds, stripe: UInt8(batch.replica.rawValue))
        let boxes = state.mailboxes.map(\.id)
        let name = HistoryWorld.names[step.first % HistoryWorld.names.count]
        switch step.action {
        case .create:
            try state.createMailbox(
                name: name, separator: step.second & 1 == 0 ? "/" : nil, validity: validity, batch: &batch)
            return
        case .createWellKnown:
            let uses = HistoryWorld.uses
            if step.first % 3 == 0 {
                try state.createMailbox(name: "inbox", validity: validity, batch: &batch)
            } else {
                let use = uses[step.first % uses.count]
                try state.createMailbox(name: "Use\(use.rawValue)", use: use, validity: validity, batch: &batch)
            }
            return
        case .subscribe:
            try state.subscribe(name, batch: &batch)
            return
        case .unsubscribe:
            state.unsubscribe(name, batch: &batch)
            return
        default: break
        }
        if boxes.isEmpty { return }
        let box = boxes[step.first % boxes.count]
        switch step.action {
        case .delete: try state.deleteMailbox(box, batch: &batch)
        case .rename:
            let target = HistoryWorld.names[step.second % HistoryWorld.names.count] + (step.third & 1 == 0 ? "" : "2")
            try state.renameMailbox(box, to: target, separator: "/", validity: validity, batch: &batch)
        case .append:
            try state.append(
                facts(step.second), flags: flags(step.third & 3 == 0 ? step.second : 0), to: box, batch: &batch)
        case .assignWaiting: try state.assignWaiting(in: box, batch: &batch)
        case .takeOver: try state.takeOver(box, batch: &batch)
        case .handOver:
            let successors = batch.context.replicas.dropFirst()
            try state.handOver(
                box, to: successors[successors.startIndex + step.second % successors.count], batch: &batch)
        case .merge: try state.mergeIfForked(box, batch: &batch)
        default: try runOnMessage(step, box, boxes, on: &state, batch: &batch)
        }
    }

    private static func runOnMessage(
        _ step: HistoryScript.Step, _ box: MailboxID, _ boxes: [MailboxID], on state: inout AccountState,
        batch: inout OperationBatch
    ) throws(CRDTError) {
        let messages = state.presentMessages(in: box)
        if messages.isEmpty { return }
        let message = messages[step.second % messages.count]
        let other = boxes[step.third % boxes.count]
        let chosen = flags(step.third)
        switch step.action {
        case .expunge: try state.expunge([message], in: box, batch: &batch)
        case .store:
            try state.store(
                step.third & 1 == 0 ? .add(chosen) : .remove(chosen), message: message, in: box, batch: &batch)
        case .replaceFlags: try state.store(.replace(chosen), message: message, in: box, batch: &batch)
        case .copy: try state.copy(messages, from: box, to: other, batch: &batch)
        case .move: try state.move([message], from: box, to: other, batch: &batch)
        default: break
        }
    }

    static func facts(_ number: Int) -> MessageFacts {
        MessageFacts(
            body: BodyDigest(words: (UInt64(number), 1, 2, 3)), size: UInt64(number) * 10, internalDateSeconds: 1_000,
            internalDateZoneMinutes: -60)
    }

    /// One to three of four flags, among them a keyword.
    static func flags(_ number: Int) -> FlagSet {
        FlagSet(
            SystemFlags(rawValue: UInt8(number >> 1 & 1) | UInt8(number >> 2 & 1) << 3 | UInt8(number >> 3 & 1) << 1),
            keywords: number >> 4 & 1 == 1 ? [KeywordIndex(UInt16(number >> 5 & 1))] : [])
    }
}

/// A state written to records and read back.
enum SnapshotCopy {
    static func copy(_ state: borrowing AccountState, context: ApplyContext) throws(CRDTError) -> AccountState {
        let boxes = state.recordedMailboxes
        var result = try AccountState(
            account: state.accountRecord(), mailboxes: boxes.compactMap { state.mailboxRecord(of: $0) },
            subscriptions: state.subscribedNames.compactMap { state.subscriptionRecord(of: $0) }, context: context)
        for box in boxes {
            var installation = MessageInstallation(mailbox: box)
            for id in state.recordIDs(in: box) {
                if let record = state.messageRecord(of: id, in: box) { try installation.add(record.span) }
            }
            try result.installMessages(installation)
        }
        return result
    }
}
