// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// CREATE, DELETE, RENAME, LIST, LSUB, STATUS.
extension SessionMachine {
    /// CREATE (RFC 3501 section 6.3.3, RFC 6154 section 3).
    mutating func create(_ command: CommandInProgress, _ name: MailboxName, _ uses: [SpecialUse]) {
        guard uses.count <= 1 else {
            refuse(command, Refusal(code: .useAttribute, text: "A mailbox can have one special use"))
            return
        }
        do throws(IMAPError) {
            let name = try MailboxHierarchy.newName(name, separator: configuration.hierarchySeparator)
            guard !name.isInbox else {
                refuse(command, Refusal(code: .alreadyExists, text: "INBOX exists always"))
                return
            }
            request(.createMailbox(name, specialUse: uses.first), command, .confirm)
        } catch {
            finish(command, StatusCondition(error))
        }
    }

    /// DELETE (RFC 3501 section 6.3.4).
    mutating func delete(_ command: CommandInProgress, _ name: MailboxName) {
        guard !name.isInbox else {
            refuse(command, Refusal(code: .cannot, text: "INBOX cannot be deleted"))
            return
        }
        request(.deleteMailbox(name), command, .delete(name))
    }

    mutating func finishDelete(_ command: CommandInProgress, _ name: MailboxName, _ reply: SessionReply) {
        if case .done = reply {
            if selection?.name == name { leaveMailbox() }
            succeed(command)
        } else {
            // Somebody else may have been faster while the store worked.
            if selection?.isDeleted == true { ending = ending ?? "The selected mailbox was deleted" }
            fail(command, reply)
        }
    }

    /// RENAME (RFC 3501 section 6.3.5).
    mutating func rename(_ command: CommandInProgress, _ from: MailboxName, _ to: MailboxName) {
        let separator = configuration.hierarchySeparator
        do throws(IMAPError) {
            let to = try MailboxHierarchy.newName(to, separator: separator)
            guard !to.isInbox else {
                refuse(command, Refusal(code: .alreadyExists, text: "INBOX exists always"))
                return
            }
            guard from.isInbox || !MailboxHierarchy.isBelow(to, from, separator: separator) else {
                refuse(command, Refusal(code: .cannot, text: "A mailbox cannot be moved below itself"))
                return
            }
            request(.renameMailbox(from: from, to: to), command, .confirm)
        } catch {
            finish(command, StatusCondition(error))
        }
    }

    /// LIST (RFC 3501 section 6.3.8, RFC 5258).
    mutating func startList(_ command: CommandInProgress, _ list: ListCommand) {
        let isBasic = list.selection == nil && list.returnOptions == nil && list.patterns.count == 1
        if isBasic, list.patterns[0].isEmpty {
            send(
                .list(
                    ListResponse(
                        attributes: [.noSelect], delimiter: configuration.hierarchySeparator, mailbox: nil)))
            succeed(command)
        } else {
            // STATUS (HIGHESTMODSEQ) switches CONDSTORE on wherever it stands (RFC 7162 section 3.1).
            if list.statusItems.contains(.highestModSequence) { enableCondstore() }
            request(.listMailboxes, command, .list(list))
        }
    }

    mutating func finishList(_ command: CommandInProgress, _ list: ListCommand, _ reply: SessionReply) {
        guard case .mailboxes(let catalog) = reply else {
            fail(command, reply)
            return
        }
        do throws(IMAPError) {
            let lines = try MailboxListing(catalog, separator: configuration.hierarchySeparator)
                .list(list, limits: limits)
            sendList(command, lines.reversed(), list.statusItems)
        } catch {
            finish(command, StatusCondition(error))
        }
    }

    /// Sends lines up to the next one that needs counts; `lines` is in reverse order.
    private mutating func sendList(
        _ command: CommandInProgress, _ lines: [MailboxListing.Line], _ items: [StatusItem]
    ) {
        var rest = lines
        while let line = rest.last {
            if line.wantsStatus, let name = line.response.mailbox {
                request(.status(name, Self.requested(items)), command, .listStatus(rest, items))
                return
            }
            send(.list(line.response))
            rest.removeLast()
        }
        succeed(command)
    }

    /// A mailbox that has gone since it was listed cannot be selected, and has no counts (RFC 5819 section 2).
    mutating func continueList(
        _ command: CommandInProgress, _ lines: [MailboxListing.Line], _ items: [StatusItem], _ reply: SessionReply
    ) {
        var rest = lines
        guard let line = rest.popLast(), let name = line.response.mailbox else {
            succeed(command)
            return
        }
        switch reply {
        case .status(let status):
            send(.list(line.response))
            send(.status(completed(status, name, items)))
        case .refused:
            send(
                .list(
                    ListResponse(
                        attributes: line.response.attributes + [.noSelect], delimiter: line.response.delimiter,
                        mailbox: name, hasSubscribedChildren: line.response.hasSubscribedChildren)))
        default:
            failForUnexpectedReply(command)
            return
        }
        sendList(command, rest, items)
    }

    mutating func finishLsub(
        _ command: CommandInProgress, _ reference: ListReference, _ pattern: ListPattern, _ reply: SessionReply
    ) {
        guard case .mailboxes(let catalog) = reply else {
            fail(command, reply)
            return
        }
        do throws(IMAPError) {
            let lines = try MailboxListing(catalog, separator: configuration.hierarchySeparator)
                .lsub(reference: reference, pattern: pattern, limits: limits)
            for line in lines { send(.lsub(line)) }
            succeed(command)
        } catch {
            finish(command, StatusCondition(error))
        }
    }

    /// STATUS (RFC 3501 section 6.3.10).
    mutating func startStatus(_ command: CommandInProgress, _ name: MailboxName, _ items: [StatusItem]) {
        if items.contains(.highestModSequence) { enableCondstore() }
        request(.status(name, Self.requested(items)), command, .status(name, items))
    }

    mutating func finishStatus(
        _ command: CommandInProgress, _ name: MailboxName, _ items: [StatusItem], _ reply: SessionReply
    ) {
        guard case .status(let status) = reply else {
            fail(command, reply)
            return
        }
        send(.status(completed(status, name, items)))
        succeed(command)
    }

    /// The items that only the store knows.
    private static func requested(_ items: [StatusItem]) -> [StatusItem] {
        items.filter { $0 != .appendLimit && $0 != .recent }
    }

    /// Puts the store's counts into the client's order and adds what the machine knows itself.
    private func completed(_ status: MailboxStatus, _ name: MailboxName, _ items: [StatusItem]) -> MailboxStatus {
        let known =
            status.values + [
                .recent(0), .appendLimit(configuration.limits.afterAuthentication.appendLiteralBytes),
            ]
        return MailboxStatus(
            mailbox: name,
            values: items.compactMap { item in known.first { $0.item == item } })
    }
}

extension StatusValue {
    /// The item that the value belongs to.
    fileprivate var item: StatusItem {
        switch self {
        case .messages: .messages
        case .recent: .recent
        case .uidNext: .uidNext
        case .uidValidity: .uidValidity
        case .unseen: .unseen
        case .size: .size
        case .appendLimit: .appendLimit
        case .highestModSequence: .highestModSequence
        }
    }
}

extension ListCommand {
    /// What STATUS responses are to tell; empty when none are wanted.
    fileprivate var statusItems: [StatusItem] {
        var items: [StatusItem] = []
        for option in returnOptions ?? [] {
            if case .status(let wanted) = option { items = wanted }
        }
        return items
    }
}
