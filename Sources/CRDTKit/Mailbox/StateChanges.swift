// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The changes that operations made, in order: a list of ``StateChange`` in which the usual ones lie flat.
///
/// An operation makes about four changes, and a frame has thousands of operations, so that making and dropping changes must not count references.
public struct StateChanges: Sendable {
    private enum Kind: UInt8, Sendable {
        case mailboxChanged, mailboxAppeared, mailboxVanished, mailboxRenamed, mailboxForgotten
        case messageAppeared, messageVanished, flagsChanged, recordChanged, recordRemoved
        case bodyRetained, bodyReleased, subscriptionChanged, memberChanged, modSeqsMarked
    }

    private struct Item: Sendable {
        let kind: Kind
        let uid: UInt32
        let mailbox: UInt64
        let message: UInt64
        /// A modification sequence, a size, or the position of the first of the names.
        let value: UInt64
    }

    private var items: [Item] = []
    /// The digests of bodies, in the order of the changes that have one; such a change has its position in `message`.
    private var digests: [BodyDigest] = []
    private var names: [String] = []

    /// Makes an empty list.
    public init() {}

    /// Makes room for further changes.
    ///
    /// - Parameter capacity: how many changes the list will have.
    public mutating func reserveCapacity(_ capacity: Int) {
        items.reserveCapacity(capacity)
        digests.reserveCapacity(capacity / 4)
    }

    /// Empties the list and keeps its memory.
    public mutating func removeAll() {
        items.removeAll(keepingCapacity: true)
        digests.removeAll(keepingCapacity: true)
        names.removeAll(keepingCapacity: true)
    }

    /// Appends a change.
    ///
    /// - Parameter change: the change.
    @inline(__always)
    public mutating func append(_ change: StateChange) {
        switch change {
        case .mailboxChanged(let id): put(.mailboxChanged, id)
        case .messageAppeared(let id, let message, let uid, let modSeq):
            put(.messageAppeared, id, message, uid: uid, modSeq)
        case .messageVanished(let id, let message, let uid, let modSeq):
            put(.messageVanished, id, message, uid: uid, modSeq)
        case .flagsChanged(let id, let message, let uid, let modSeq): put(.flagsChanged, id, message, uid: uid, modSeq)
        case .recordChanged(let id, let message): put(.recordChanged, id, message)
        case .recordRemoved(let id, let message): put(.recordRemoved, id, message)
        case .bodyRetained(let digest, let size): put(.bodyRetained, digest, size)
        case .bodyReleased(let digest): put(.bodyReleased, digest, 0)
        case .mailboxAppeared, .mailboxVanished, .mailboxRenamed, .mailboxForgotten, .subscriptionChanged,
            .memberChanged, .modSeqsMarked:
            appendRare(change)
        }
    }

    /// Appends the changes of another list.
    ///
    /// - Parameter other: the other list.
    public mutating func append(contentsOf other: StateChanges) {
        for change in other { append(change) }
    }

    private mutating func appendRare(_ change: StateChange) {
        let none = MailboxID(.none)
        switch change {
        case .mailboxAppeared(let id, let name): put(.mailboxAppeared, id, named: name)
        case .mailboxVanished(let id, let name): put(.mailboxVanished, id, named: name)
        case .mailboxRenamed(let id, let from, let to):
            put(.mailboxRenamed, id, named: from)
            names.append(to)
        case .mailboxForgotten(let id): put(.mailboxForgotten, id)
        case .subscriptionChanged(let name): put(.subscriptionChanged, none, named: name)
        case .memberChanged(let name): put(.memberChanged, none, named: name)
        case .modSeqsMarked: put(.modSeqsMarked, none)
        case .mailboxChanged, .messageAppeared, .messageVanished, .flagsChanged, .recordChanged, .recordRemoved,
            .bodyRetained, .bodyReleased:
            append(change)
        }
    }

    @inline(__always)
    private mutating func put(
        _ kind: Kind, _ mailbox: MailboxID, _ message: Dot = .none, uid: UInt32 = 0, _ value: UInt64 = 0
    ) {
        items.append(
            Item(kind: kind, uid: uid, mailbox: mailbox.dot.packed, message: message.packed, value: value))
    }

    @inline(__always)
    private mutating func put(_ kind: Kind, _ digest: BodyDigest, _ size: UInt64) {
        let position = UInt64(truncatingIfNeeded: digests.count)
        items.append(Item(kind: kind, uid: 0, mailbox: 0, message: position, value: size))
        digests.append(digest)
    }

    private mutating func put(_ kind: Kind, _ mailbox: MailboxID, named name: String) {
        put(kind, mailbox, .none, UInt64(names.count))
        names.append(name)
    }
}

extension StateChanges: RandomAccessCollection {
    /// The position of the first change.
    public var startIndex: Int { 0 }

    /// The position after the last change.
    public var endIndex: Int { items.count }

    /// The change at a position.
    public subscript(position: Int) -> StateChange {
        let item = items[position]
        let mailbox = MailboxID(Dot(packed: item.mailbox))
        let message = Dot(packed: item.message)
        switch item.kind {
        case .mailboxChanged: return .mailboxChanged(mailbox)
        case .mailboxAppeared: return .mailboxAppeared(mailbox, name: name(item))
        case .mailboxVanished: return .mailboxVanished(mailbox, name: name(item))
        case .mailboxRenamed: return .mailboxRenamed(mailbox, from: name(item), to: names[Int(item.value) + 1])
        case .mailboxForgotten: return .mailboxForgotten(mailbox)
        case .messageAppeared: return .messageAppeared(mailbox, message, uid: item.uid, modSeq: item.value)
        case .messageVanished: return .messageVanished(mailbox, message, uid: item.uid, modSeq: item.value)
        case .flagsChanged: return .flagsChanged(mailbox, message, uid: item.uid, modSeq: item.value)
        case .recordChanged: return .recordChanged(mailbox, message)
        case .recordRemoved: return .recordRemoved(mailbox, message)
        case .bodyRetained: return .bodyRetained(digests[Int(item.message)], size: item.value)
        case .bodyReleased: return .bodyReleased(digests[Int(item.message)])
        case .subscriptionChanged: return .subscriptionChanged(name: name(item))
        case .memberChanged: return .memberChanged(name: name(item))
        case .modSeqsMarked: return .modSeqsMarked
        }
    }

    private func name(_ item: Item) -> String { names[Int(item.value)] }
}

extension StateChanges: ExpressibleByArrayLiteral {
    /// Makes a list of changes.
    ///
    /// - Parameter elements: the changes.
    public init(arrayLiteral elements: StateChange...) {
        for change in elements { append(change) }
    }
}

extension StateChanges: Equatable {
    /// Whether two lists tell the same in the same order.
    public static func == (left: StateChanges, right: StateChanges) -> Bool { left.elementsEqual(right) }
}
