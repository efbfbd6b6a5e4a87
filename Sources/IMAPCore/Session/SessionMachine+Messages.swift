// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// FETCH, STORE, COPY, MOVE, EXPUNGE.
extension SessionMachine {
    /// FETCH (RFC 3501 section 6.4.5, RFC 7162 section 3.1.4): the shell writes the responses.
    mutating func startFetch(
        _ command: CommandInProgress, _ messages: MessageSet, _ items: [FetchItem], _ changedSince: ModSequence?
    ) {
        guard let targets = targets(of: messages, command) else { return }
        // CHANGEDSINCE asks for MODSEQ as well.
        let items = changedSince == nil || items.contains(.modSequence) ? items : items + [.modSequence]
        if items.contains(.modSequence) { enableCondstore() }
        guard !targets.isEmpty else {
            succeed(command)
            return
        }
        let markSeen = selection?.isReadOnly == false && items.contains { $0.setsSeen }
        outbox.send { selection?.announceFlags(into: &$0) }
        request(
            .fetch(
                FetchRequest(
                    targets: targets, items: items, markSeen: markSeen, includeUID: messages.isUID,
                    changedSince: changedSince, announcesModSequence: isCondstoreEnabled)),
            command, .fetch(isUID: messages.isUID))
    }

    mutating func finishFetch(_ command: CommandInProgress, isUID: Bool, _ reply: SessionReply) {
        guard case .fetched(let outcome) = reply else {
            fail(command, reply, announcing: isUID ? .everything : .withoutExpunge)
            return
        }
        finishMessages(command, isUID: isUID, isComplete: outcome.missingUIDs.isEmpty)
    }

    /// STORE (RFC 3501 section 6.4.6, RFC 7162 section 3.1.3).
    mutating func startStore(_ command: CommandInProgress, _ messages: MessageSet, _ change: StoreChange) {
        guard mayChange(command), let targets = targets(of: messages, command), let mailbox = selection else { return }
        if change.unchangedSince != nil { enableCondstore() }
        // New keywords that the mailbox does not take are ignored (RFC 3501 section 7.1, PERMANENTFLAGS).
        let flags = change.flags.filter { mailbox.canCreateKeywords || mailbox.flags.contains($0) }
        guard !targets.isEmpty else {
            succeed(command)
            return
        }
        request(
            .store(
                StoreRequest(
                    targets: targets, mode: change.mode, flags: flags, unchangedSince: change.unchangedSince)), command,
            .store(isUID: messages.isUID, isSilent: change.isSilent))
    }

    mutating func finishStore(_ command: CommandInProgress, isUID: Bool, isSilent: Bool, _ reply: SessionReply) {
        guard case .stored(let outcome) = reply else {
            fail(command, reply, announcing: isUID ? .everything : .withoutExpunge)
            return
        }
        outbox.send { output in
            selection?.announceFlags(into: &output)
            for message in outcome.flags {
                selection?.announceStored(
                    message, isSilent: isSilent, includeUID: isUID || isCondstoreEnabled,
                    withModSequence: isCondstoreEnabled, into: &output)
            }
            // The client need not ask why a message was left alone.
            for message in outcome.modified {
                selection?.announceStored(
                    message, isSilent: false, includeUID: true, withModSequence: true, into: &output)
            }
        }
        finishMessages(
            command, isUID: isUID, isComplete: outcome.missingUIDs.isEmpty,
            code: modifiedCode(outcome.modified.map(\.uid), isUID: isUID))
    }

    /// MODIFIED, when messages failed a condition (RFC 7162 section 3.1.3).
    private func modifiedCode(_ uids: [UID], isUID: Bool) -> ResponseCode? {
        guard !uids.isEmpty else { return nil }
        if isUID { return .modified(.uid(UIDSet(compacting: uids))) }
        let numbers = uids.compactMap { selection?.view.number(of: $0) }
        return numbers.isEmpty ? nil : .modified(.sequence(SequenceSet(compacting: numbers)))
    }

    /// Ends FETCH or STORE: messages that somebody else removed are an error only for sequence numbers (RFC 2180
    /// sections 4.1 and 4.2, RFC 5530).
    private mutating func finishMessages(
        _ command: CommandInProgress, isUID: Bool, isComplete: Bool, code: ResponseCode? = nil
    ) {
        if isUID {
            succeed(command, code: code)
        } else if isComplete {
            succeed(command, code: code, announcing: .withoutExpunge)
        } else {
            refuse(
                command, Refusal(code: code ?? .expungeIssued, text: "Some of the messages no longer exist"),
                announcing: .withoutExpunge)
        }
    }

    /// COPY (RFC 3501 section 6.4.7).
    mutating func copy(_ command: CommandInProgress, _ messages: MessageSet, to name: MailboxName) {
        guard let targets = targetsToCopy(messages, command) else { return }
        request(.copy(targets, to: name), command, .copy)
    }

    mutating func finishCopy(_ command: CommandInProgress, _ reply: SessionReply) {
        guard case .copied(let outcome) = reply else {
            fail(command, reply)
            return
        }
        guard !outcome.sourceUIDs.isEmpty || outcome.missingUIDs.isEmpty else {
            refuse(command, Refusal(code: .expungeIssued, text: "The messages no longer exist"))
            return
        }
        succeed(command, code: outcome.code)
    }

    /// MOVE (RFC 6851).
    mutating func move(_ command: CommandInProgress, _ messages: MessageSet, to name: MailboxName) {
        guard mayChange(command), let targets = targetsToCopy(messages, command) else { return }
        request(.move(targets, to: name), command, .move)
    }

    /// COPYUID comes before the EXPUNGEs, so that the client knows where the messages went (RFC 6851 section 3.3).
    mutating func finishMove(_ command: CommandInProgress, _ reply: SessionReply) {
        guard case .moved(let outcome) = reply else {
            fail(command, reply)
            return
        }
        guard !outcome.sourceUIDs.isEmpty || outcome.missingUIDs.isEmpty else {
            refuse(command, Refusal(code: .expungeIssued, text: "The messages no longer exist"))
            return
        }
        if let code = outcome.code { send(.untagged(StatusCondition(.ok, code: code, text: "Moved"))) }
        for uid in outcome.sourceUIDs { selection?.note(vanished: uid) }
        succeed(command)
    }

    /// EXPUNGE and UID EXPUNGE (RFC 3501 section 6.4.3, RFC 4315 section 2.1).
    mutating func expunge(_ command: CommandInProgress, _ uids: UIDSet?) {
        guard mayChange(command), let view = selection?.view else { return }
        let candidates = uids.map { view.targets(of: $0).map(\.uid) }
        if let candidates, candidates.isEmpty {
            succeed(command)
        } else {
            request(.expunge(uids: candidates), command, .expunge)
        }
    }

    mutating func finishExpunge(_ command: CommandInProgress, _ reply: SessionReply) {
        guard case .expunged(let uids) = reply else {
            fail(command, reply)
            return
        }
        for uid in uids { selection?.note(vanished: uid) }
        succeed(command)
    }
}

extension SessionMachine {
    /// Answers a command that would change a mailbox that was opened with EXAMINE.
    private mutating func mayChange(_ command: CommandInProgress) -> Bool {
        guard selection?.isReadOnly == true else { return true }
        refuse(command, Refusal(code: .readOnly, text: "The mailbox is selected read-only"), announcing: .nothing)
        return false
    }

    /// The messages of a command, or nil after the command was answered with BAD.
    private mutating func targets(of messages: MessageSet, _ command: CommandInProgress) -> [MessageTarget]? {
        guard let view = selection?.view else { return nil }
        switch messages {
        case .uid(let set): return view.targets(of: set)
        case .sequence(let set):
            if let targets = view.targets(of: set) { return targets }
            reject(command, "A sequence number is larger than the \(view.count) messages of the mailbox.")
            return nil
        }
    }

    /// The messages of COPY or MOVE, or nil after the command was answered.
    ///
    /// Both are all or nothing, so positions of messages that are known to be gone are refused before anything is done.
    private mutating func targetsToCopy(_ messages: MessageSet, _ command: CommandInProgress) -> [MessageTarget]? {
        guard let targets = targets(of: messages, command), let mailbox = selection else { return nil }
        if !messages.isUID, targets.contains(where: { mailbox.isVanished($0.uid) }) {
            refuse(command, Refusal(code: .expungeIssued, text: "Some of the messages no longer exist"))
            return nil
        }
        guard !targets.isEmpty else {
            succeed(command)
            return nil
        }
        return targets
    }
}

extension CopyOutcome {
    /// COPYUID, when the new identifiers are known (RFC 4315 section 3).
    fileprivate var code: ResponseCode? {
        guard !sourceUIDs.isEmpty, sourceUIDs.count == destinationUIDs.count else { return nil }
        return .copyUID(
            uidValidity, source: UIDSet(compacting: sourceUIDs), destination: UIDSet(compacting: destinationUIDs))
    }
}
