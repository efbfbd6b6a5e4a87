// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Commands on mailboxes and subscriptions. Each checks all its preconditions, then issues and applies; when it throws, nothing has changed.
extension AccountState {
    /// CREATE (RFC 3501 section 6.3.3).
    ///
    /// INBOX and mailboxes with a special use get their well-known identity, so that replicas that make them apart make the same mailbox.
    ///
    /// - Parameters:
    ///   - name: the mailbox's name.
    ///   - use: its special use.
    ///   - separator: the hierarchy separator: missing superiors are created too; nil creates just the one mailbox.
    ///   - validity: where UIDVALIDITY comes from.
    ///   - batch: takes the operations.
    /// - Returns: the new mailbox.
    /// - Throws: ``CRDTError`` with `mailboxExists` if the name is taken or a mailbox of that use exists, `notPermitted` for a name that no mailbox can have,
    ///   `limitExceeded`.
    @discardableResult
    public mutating func createMailbox(
        name: String, use: MailboxUse = .none, separator: Character? = nil, validity: UIDValiditySource,
        batch: inout OperationBatch
    ) throws(CRDTError) -> MailboxID {
        let name = MailboxNames.canonical(name)
        try checkName(name, separator: separator)
        if mailbox(named: name) != nil { throw CRDTError(.mailboxExists, "the mailbox exists already") }
        var known: MailboxID?
        if name == MailboxNames.inbox { known = .inbox } else if use != .none { known = .wellKnown(use) }
        if let known, isAlive(known) {
            throw CRDTError(.mailboxExists, "a mailbox of that special use exists already: there can be one of each")
        }
        let missing = missingSuperiors(of: name, separator: separator)
        try checkRoom(mailboxes: missing.count + 1, validity: validity)
        for superior in missing { create(nil, superior, .none, validity, &batch) }
        return create(known, name, use, validity, &batch)
    }

    /// DELETE (RFC 3501 section 6.3.4); inferior mailboxes stay.
    ///
    /// - Parameters:
    ///   - mailbox: the mailbox.
    ///   - batch: takes the operation.
    /// - Throws: ``CRDTError`` with `noSuchMailbox`, or `notPermitted` for INBOX.
    /// - Precondition: the mailbox is resident.
    public mutating func deleteMailbox(_ mailbox: MailboxID, batch: inout OperationBatch) throws(CRDTError) {
        _ = try aliveSlot(mailbox)
        if mailbox == .inbox { throw CRDTError(.notPermitted, "INBOX cannot be deleted") }
        batch.issue(.delete(mailbox: mailbox), to: &self)
    }

    /// RENAME (RFC 3501 section 6.3.5): with the subtree, and with missing superiors of the new name created.
    ///
    /// Renaming INBOX moves its messages into a new mailbox and leaves INBOX and its inferiors where they are.
    ///
    /// - Parameters:
    ///   - mailbox: the mailbox.
    ///   - newName: its new name.
    ///   - separator: the hierarchy separator.
    ///   - validity: where the UIDVALIDITY of created mailboxes comes from.
    ///   - batch: takes the operations.
    /// - Throws: ``CRDTError`` with `noSuchMailbox`; `mailboxExists` if the new name of the mailbox or of an inferior is taken; `notPermitted` for a name that
    ///   no mailbox can have or one below the mailbox itself; `limitExceeded`.
    /// - Precondition: INBOX is resident if it is what is renamed.
    public mutating func renameMailbox(
        _ mailbox: MailboxID, to newName: String, separator: Character, validity: UIDValiditySource,
        batch: inout OperationBatch
    ) throws(CRDTError) {
        _ = try aliveSlot(mailbox)
        let newName = MailboxNames.canonical(newName)
        try checkName(newName, separator: separator)
        // INBOX is a mailbox of its own, whether it was made yet or not.
        if newName == MailboxNames.inbox || self.mailbox(named: newName) != nil {
            throw CRDTError(.mailboxExists, "a mailbox of the new name exists")
        }
        let oldName = effectiveName(of: mailbox) ?? ""
        let missing = missingSuperiors(of: newName, separator: separator)
        if mailbox == .inbox {
            try checkRoom(mailboxes: missing.count + 1, validity: validity)
            for superior in missing { create(nil, superior, .none, validity, &batch) }
            let target = create(nil, newName, .none, validity, &batch)
            try move(presentMessages(in: .inbox), from: .inbox, to: target, batch: &batch)
            return
        }
        let oldPrefix = oldName + String(separator)
        if newName.utf8.starts(with: oldPrefix.utf8) {
            throw CRDTError(.notPermitted, "a mailbox cannot become its own inferior")
        }
        let inferiors = try renamedInferiors(oldPrefix, newName + String(separator))
        try checkRoom(mailboxes: missing.count, validity: validity)
        for superior in missing { create(nil, superior, .none, validity, &batch) }
        batch.issue(.rename(mailbox: mailbox, name: newName), to: &self)
        for (inferior, name) in inferiors { batch.issue(.rename(mailbox: inferior, name: name), to: &self) }
    }

    /// SUBSCRIBE (RFC 3501 section 6.3.6): any name, whether there is such a mailbox or not.
    ///
    /// - Parameters:
    ///   - name: the name.
    ///   - batch: takes the operation; none if the name is subscribed already.
    /// - Throws: ``CRDTError`` with `notPermitted` for a name that no mailbox can have, `limitExceeded`.
    public mutating func subscribe(_ name: String, batch: inout OperationBatch) throws(CRDTError) {
        let name = MailboxNames.canonical(name)
        try checkName(name, separator: nil)
        if subscriptions.dotsByName[name] != nil { return }
        if subscriptions.dotsByName.count >= limits.maximumSubscriptions {
            throw CRDTError(
                .limitExceeded, "the account has \(limits.maximumSubscriptions) subscriptions, the most allowed")
        }
        batch.issue(.subscribe(name: name), to: &self)
    }

    /// UNSUBSCRIBE (RFC 3501 section 6.3.7).
    ///
    /// - Parameters:
    ///   - name: the name.
    ///   - batch: takes the operation; none if the name is not subscribed.
    public mutating func unsubscribe(_ name: String, batch: inout OperationBatch) {
        let name = MailboxNames.canonical(name)
        if subscriptions.dotsByName[name] != nil { batch.issue(.unsubscribe(name: name), to: &self) }
    }
}

extension AccountState {
    /// The slot of a living mailbox.
    borrowing func aliveSlot(_ mailbox: MailboxID) throws(CRDTError) -> Int {
        guard let slot = slot(of: mailbox), slots[slot].isAlive else {
            throw CRDTError(.noSuchMailbox, "there is no such mailbox")
        }
        return slot
    }

    /// Issues a creation whose room was checked.
    @discardableResult
    private mutating func create(
        _ known: MailboxID?, _ name: String, _ use: MailboxUse, _ validity: UIDValiditySource,
        _ batch: inout OperationBatch
    ) -> MailboxID {
        let name = MailboxNames.canonical(name)
        let mailbox = known ?? (name == MailboxNames.inbox ? .inbox : MailboxID(batch.nextDot))
        let uidValidity = validity.next(above: uidValidityFloor) ?? UInt32.max
        batch.issue(.create(mailbox: mailbox, name: name, uidValidity: uidValidity, use: use), to: &self)
        return mailbox
    }

    private borrowing func checkName(_ name: String, separator: Character?) throws(CRDTError) {
        let bytes = name.utf8.count
        if bytes > limits.maximumNameBytes {
            throw CRDTError(
                .limitExceeded, "the name has \(bytes) bytes; at most \(limits.maximumNameBytes) are allowed")
        }
        if name.isEmpty || name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) {
            throw CRDTError(.notPermitted, "a mailbox name is not empty and has no control characters")
        }
        if let separator, name.split(separator: separator, omittingEmptySubsequences: false).contains("") {
            throw CRDTError(.notPermitted, "no level of a mailbox name is empty")
        }
    }

    private borrowing func checkRoom(mailboxes: Int, validity: UIDValiditySource) throws(CRDTError) {
        if names.count + mailboxes > limits.maximumMailboxes {
            throw CRDTError(.limitExceeded, "the account may have at most \(limits.maximumMailboxes) mailboxes")
        }
        var floor = uidValidityFloor
        for _ in 0..<mailboxes {
            guard let next = validity.next(above: floor) else {
                throw CRDTError(.limitExceeded, "the account has no UIDVALIDITY left above \(floor)")
            }
            floor = next
        }
    }

    private borrowing func missingSuperiors(of name: String, separator: Character?) -> [String] {
        guard let separator else { return [] }
        var result: [String] = []
        for index in name.indices where name[index] == separator {
            let superior = String(name[..<index])
            if mailbox(named: superior) == nil { result.append(superior) }
        }
        return result
    }

    private borrowing func renamedInferiors(
        _ oldPrefix: String, _ newPrefix: String
    ) throws(CRDTError) -> [(MailboxID, String)] {
        var result: [(MailboxID, String)] = []
        for (name, id) in names.ascending where name.utf8.starts(with: oldPrefix.utf8) {
            let newName = newPrefix + String(name[oldPrefix.endIndex...])
            try checkName(newName, separator: nil)
            if mailbox(named: newName) != nil {
                throw CRDTError(.mailboxExists, "a mailbox of an inferior's new name exists")
            }
            result.append((id, newName))
        }
        return result
    }
}
