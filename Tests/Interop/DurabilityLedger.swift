// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport

/// Where a message is: a mailbox of the test and a UID.
struct Slot: Hashable, CustomStringConvertible {
    let mailbox: Int
    let uid: UInt32

    var description: String { "mailbox \(mailbox) UID \(uid)" }
}

/// What a client has asked for and does not know the outcome of.
enum PendingOperation {
    case append(mailbox: Int, token: Int, flags: Set<String>)
    case store(Slot, flags: Set<String>)
    case expunge(Slot)
    case move(Slot, to: Int)
    case copy(Slot, to: Int)
    /// A look at the messages of a mailbox.
    case look(mailbox: Int)
}

/// All that the clients were told: acknowledged operations and messages that they saw. Nothing of it may ever be untrue
/// again.
struct DurabilityLedger {
    struct Message: Equatable {
        let token: Int
        var flags: Set<String>
    }

    /// A promise that the server broke.
    struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    /// The messages that were acknowledged, with the flags that were acknowledged.
    private(set) var live: [Slot: Message] = [:]
    /// The places whose message was acknowledged to be expunged or moved away.
    private(set) var gone: Set<Slot> = []
    /// Which message was ever seen at which place.
    private(set) var tokens: [Slot: Int] = [:]
    /// For each mailbox the identity and the highest UIDNEXT that was announced.
    private var validities: [Int: UInt32] = [:]
    private var nextUIDs: [Int: UInt32] = [:]
    private(set) var acknowledged = 0

    /// The largest UID known in a mailbox.
    func lastUID(in mailbox: Int) -> UInt32 { (nextUIDs[mailbox] ?? 1) - 1 }

    // MARK: While the server runs

    /// Notes a reply; the server accepts every operation of this test.
    mutating func note(_ operation: PendingOperation, _ reply: IMAPReply) throws {
        guard reply.isOK else { throw Broken(description: "\(operation) was refused: \(reply)") }
        acknowledged += 1
        switch operation {
        case .append(let mailbox, let token, let flags):
            guard let uid = reply.appendedUID else { throw Broken(description: "no APPENDUID: \(reply)") }
            try add(Slot(mailbox: mailbox, uid: uid), Message(token: token, flags: flags))
        case .store(let slot, let flags):
            live[slot]?.flags = flags
        case .expunge(let slot):
            live[slot] = nil
            gone.insert(slot)
        case .move(let slot, let mailbox):
            guard let message = live[slot] else { return }
            try add(try target(of: slot, in: mailbox, reply), message)
            live[slot] = nil
            gone.insert(slot)
        case .copy(let slot, let mailbox):
            guard let message = live[slot] else { return }
            try add(try target(of: slot, in: mailbox, reply), message)
        case .look(let mailbox):
            try note(reply.untagged, seenIn: mailbox)
        }
    }

    /// Notes the messages that a client saw, even when the reply was never completed.
    mutating func note(_ lines: [IMAPLine], seenIn mailbox: Int) throws {
        for line in lines where line.isMessageData("FETCH") {
            guard let uid = line.number(after: "UID"), let header = line.literals.first else { continue }
            let slot = Slot(mailbox: mailbox, uid: uid)
            // The line may be older than the acknowledgement, on another connection, that the message is gone.
            if !gone.contains(slot) { try see(slot, token: DurabilityMail.token(of: header)) }
        }
    }

    // MARK: After a restart

    /// Compares a restarted server's mailboxes with all that was told, and takes them as the new state.
    ///
    /// - Parameters:
    ///   - mailboxes: what the server has now.
    ///   - pending: the operations that were not answered; each has happened or not.
    mutating func verify(_ mailboxes: [FarMailbox], pending: [PendingOperation]) throws {
        var found: [Slot: Message] = [:]
        for (mailbox, content) in mailboxes.enumerated() {
            try checkIdentity(of: mailbox, content)
            for message in content.messages {
                let slot = Slot(mailbox: mailbox, uid: message.uid)
                let token = DurabilityMail.token(of: message.bytes.bytes)
                guard message.bytes.bytes == DurabilityMail.bytes(token) else {
                    throw Broken(description: "\(slot) holds other bytes than message \(token)")
                }
                try see(slot, token: token)
                found[slot] = Message(token: token, flags: message.flags)
            }
        }
        var expected = live
        var unexplained = found
        for operation in pending { try settle(operation, found, &expected, &unexplained) }
        for (slot, message) in expected {
            guard let there = found[slot] else {
                throw Broken(description: "\(slot), message \(message.token), is lost")
            }
            guard there == message else {
                throw Broken(description: "\(slot) is \(there), was acknowledged as \(message)")
            }
            unexplained[slot] = nil
        }
        if let extra = unexplained.first {
            throw Broken(description: "\(extra.key) holds \(extra.value): nobody asked for it")
        }
        for slot in tokens.keys where found[slot] == nil && !gone.contains(slot) {
            throw Broken(description: "\(slot) was seen by a client and is lost")
        }
        live = found
    }

    // MARK: Private

    /// Takes what a pending operation did out of what has to be explained, and corrects what is expected.
    private mutating func settle(
        _ operation: PendingOperation, _ found: [Slot: Message], _ expected: inout [Slot: Message],
        _ unexplained: inout [Slot: Message]
    ) throws {
        switch operation {
        case .append(let mailbox, let token, let flags):
            let new = unexplained.filter { $0.value.token == token && $0.key.mailbox == mailbox && live[$0.key] == nil }
            guard new.count <= 1 else { throw Broken(description: "message \(token) was appended more than once") }
            for (slot, _) in new { expected[slot] = Message(token: token, flags: flags) }
        case .store(let slot, let flags):
            if found[slot]?.flags == flags { expected[slot]?.flags = flags }
        case .expunge(let slot):
            if found[slot] == nil, expected.removeValue(forKey: slot) != nil { gone.insert(slot) }
        case .move(let slot, let mailbox):
            guard let message = live[slot] else { return }
            let new = arrivals(of: message, in: mailbox, unexplained)
            let isGone = found[slot] == nil
            guard new.count == (isGone ? 1 : 0) else {
                throw Broken(description: "half a MOVE: \(slot) is \(isGone ? "gone" : "there"), arrived \(new)")
            }
            guard isGone else { return }
            expected[slot] = nil
            gone.insert(slot)
            for slot in new { expected[slot] = message }
        case .copy(let slot, let mailbox):
            guard let message = live[slot] else { return }
            let new = arrivals(of: message, in: mailbox, unexplained)
            guard new.count <= 1 else { throw Broken(description: "\(slot) was copied more than once: \(new)") }
            for slot in new { expected[slot] = message }
        case .look: break
        }
    }

    /// The places of a mailbox where a message is that was not acknowledged to be there.
    private func arrivals(of message: Message, in mailbox: Int, _ unexplained: [Slot: Message]) -> [Slot] {
        unexplained.keys.filter { $0.mailbox == mailbox && live[$0] == nil && unexplained[$0]?.token == message.token }
    }

    private mutating func checkIdentity(of mailbox: Int, _ content: FarMailbox) throws {
        if let validity = validities[mailbox], validity != content.uidValidity {
            throw Broken(description: "mailbox \(mailbox): UIDVALIDITY was \(validity), is \(content.uidValidity)")
        }
        if let next = nextUIDs[mailbox], content.uidNext < next {
            throw Broken(description: "mailbox \(mailbox): UIDNEXT fell from \(next) to \(content.uidNext)")
        }
        validities[mailbox] = content.uidValidity
        nextUIDs[mailbox] = content.uidNext
    }

    private func target(of slot: Slot, in mailbox: Int, _ reply: IMAPReply) throws -> Slot {
        guard let pair = reply.copiedUIDs.first, pair.from == slot.uid else {
            throw Broken(description: "no COPYUID for \(slot): \(reply)")
        }
        return Slot(mailbox: mailbox, uid: pair.to)
    }

    private mutating func add(_ slot: Slot, _ message: Message) throws {
        guard live[slot] == nil, !gone.contains(slot) else {
            throw Broken(description: "\(slot) was given to message \(message.token) and had another one")
        }
        try see(slot, token: message.token)
        live[slot] = message
    }

    private mutating func see(_ slot: Slot, token: Int) throws {
        if let other = tokens[slot], other != token {
            throw Broken(description: "\(slot) held message \(other) and now holds message \(token)")
        }
        if gone.contains(slot) { throw Broken(description: "\(slot) was expunged and is back") }
        tokens[slot] = token
        nextUIDs[slot.mailbox] = max(nextUIDs[slot.mailbox] ?? 1, slot.uid + 1)
    }
}

/// The messages of the durability tests: each is made from its number.
enum DurabilityMail {
    /// The whole message of a number.
    static func bytes(_ token: Int) -> [UInt8] {
        let lines = (0..<(token * 7 % 60)).map { "line \($0) of message \(token)\r\n" }.joined()
        return Array("Subject: token \(token)\r\n\r\nmessage \(token)\r\n\(lines)".utf8)
    }

    /// The number in a message or its header; -1 when there is none.
    static func token(of message: [UInt8]) -> Int {
        let head = String(decoding: message.prefix(40), as: UTF8.self)
        guard head.hasPrefix("Subject: token ") else { return -1 }
        return Int(head.dropFirst(15).prefix { $0.isNumber }) ?? -1
    }
}
