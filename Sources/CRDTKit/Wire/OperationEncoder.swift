// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Encodes the operations of one frame: the counterpart of ``OperationDecoder``, with the same checks, so that a node
/// never issues what its peers must refuse.
struct OperationEncoder {
    private let origin: ReplicaIndex
    private let past: VersionVector
    private var counter: UInt64
    private var timestamp: UInt64
    private var account: AccountIndex?
    private var mailbox: MailboxID?
    private var message: Dot
    private var assignment: UIDAssignment?

    /// Prepares for the operations of a frame.
    ///
    /// - Parameters:
    ///   - origin: this replica.
    ///   - firstCounter: the counter of the first operation.
    ///   - timestamp: the timestamp of the first operation.
    ///   - past: the causal past of the first operation.
    init(origin: ReplicaIndex, firstCounter: UInt64, timestamp: HybridTimestamp, past: VersionVector) {
        self.origin = origin
        self.past = past
        self.timestamp = timestamp.rawValue
        counter = firstCounter
        message = Dot(origin, firstCounter)
    }

    /// Appends one operation.
    ///
    /// - Parameters:
    ///   - operation: the operation, whose dot is the next of the frame.
    ///   - stream: the stream's numbers; gains definitions.
    ///   - bytes: where the operation goes.
    /// - Throws: `malformed`, `limitExceeded` or `undefinedReference` if no peer could accept the operation.
    mutating func encode(
        _ operation: Operation, _ stream: inout StreamDefinitions, into bytes: inout [UInt8]
    ) throws(CRDTError) {
        guard operation.dot == Dot(origin, counter) && operation.timestamp.rawValue >= timestamp else {
            throw CRDTError(
                .malformed, "operation \(operation.dot) is out of sequence, next is \(Dot(origin, counter))")
        }
        let tagPosition = bytes.count
        var tag: UInt8 = 0
        bytes.append(0)
        if operation.timestamp.rawValue > timestamp {
            tag |= OperationTag.later
            WireWriter.put(operation.timestamp.rawValue - timestamp, into: &bytes)
            timestamp = operation.timestamp.rawValue
        }
        if operation.account == account {
            tag |= OperationTag.sameAccount
        } else {
            WireWriter.put(try stream.number(of: operation.account), into: &bytes)
            account = operation.account
        }
        switch operation.body {
        case .append(let mailbox, let facts, let flags, let assignment):
            tag |= OperationKind.append.rawValue
            try put(mailbox, &tag, &stream, &bytes)
            try put(flags, &stream, &bytes)
            put(facts, &bytes)
            if let assignment {
                tag |= OperationTag.extra
                try put(assignment, &stream, &bytes)
            }
        case .store(let mailbox, let message, let adding, let removing):
            tag |= OperationKind.store.rawValue
            try put(mailbox, &tag, &stream, &bytes)
            try put(message, &stream, &bytes)
            try put(adding, &stream, &bytes)
            if !removing.isEmpty {
                tag |= OperationTag.extra
                try put(removing, &stream, &bytes)
            }
        case .expunge(let mailbox, let message):
            tag |= OperationKind.expunge.rawValue
            try put(mailbox, &tag, &stream, &bytes)
            try put(message, &stream, &bytes)
        case .assign(let mailbox, let message, let assignment):
            tag |= OperationKind.assign.rawValue
            try put(mailbox, &tag, &stream, &bytes)
            try put(message, &stream, &bytes)
            try put(assignment, &stream, &bytes)
        case .delete(let mailbox):
            tag |= OperationKind.delete.rawValue
            try put(mailbox, &tag, &stream, &bytes)
        case .epoch(let mailbox, let opening):
            tag |= OperationKind.epoch.rawValue
            try put(mailbox, &tag, &stream, &bytes)
            try put(opening, &tag, &stream, &bytes)
        case .mark(let stripe):
            guard stripe < 16 else { throw CRDTError(.malformed, "a stripe is below 16, got \(stripe)") }
            tag |= OperationKind.mark.rawValue
            bytes.append(stripe)
        case .create, .rename, .subscribe, .unsubscribe, .member:
            try putNamed(operation.body, &tag, &stream, &bytes)
        }
        bytes[tagPosition] = tag
        counter += 1
    }

    private mutating func putNamed(
        _ body: OperationBody, _ tag: inout UInt8, _ stream: inout StreamDefinitions,
        _ bytes: inout [UInt8]
    ) throws(CRDTError) {
        switch body {
        case .create(let mailbox, let name, let uidValidity, let use):
            tag |= OperationKind.create.rawValue
            try put(mailbox, &tag, &stream, &bytes)
            try put(name: name, &bytes)
            WireWriter.put(UInt64(uidValidity), into: &bytes)
            bytes.append(use.rawValue)
        case .rename(let mailbox, let name):
            tag |= OperationKind.rename.rawValue
            try put(mailbox, &tag, &stream, &bytes)
            try put(name: name, &bytes)
        case .subscribe(let name):
            tag |= OperationKind.subscribe.rawValue
            try put(name: name, &bytes)
        case .unsubscribe(let name):
            tag |= OperationKind.unsubscribe.rawValue
            try put(name: name, &bytes)
        case .member(let change):
            tag |= OperationKind.member.rawValue
            try MemberCoding.put(change, into: &bytes)
        case .append, .store, .expunge, .assign, .delete, .epoch, .mark:
            throw CRDTError(.malformed, "an operation without a name reached the encoder of names")
        }
    }

    @inline(__always)
    private mutating func put(
        _ mailbox: MailboxID, _ tag: inout UInt8, _ stream: inout StreamDefinitions,
        _ bytes: inout [UInt8]
    ) throws(CRDTError) {
        if mailbox == self.mailbox {
            tag |= OperationTag.sameMailbox
            return
        }
        let dot = mailbox.dot
        if mailbox.isWellKnown {
            guard dot.counter > 0 && dot.counter <= OperationFrame.maximumWellKnownCounter else {
                throw CRDTError(.malformed, "well-known mailbox \(dot.counter) does not exist")
            }
            WireWriter.put(dot.counter << 2 | MailboxForm.wellKnown, into: &bytes)
        } else if dot == Dot(origin, counter) && tag & 0x0f == OperationKind.create.rawValue {
            WireWriter.put(MailboxForm.thisOperation, into: &bytes)
        } else {
            try checkObserved(dot)
            if dot.replica == origin {
                WireWriter.put(dot.counter << 2 | MailboxForm.ofOrigin, into: &bytes)
            } else {
                let number = try stream.number(of: dot.replica)
                WireWriter.put(number << 2 | MailboxForm.ofReplica, into: &bytes)
                WireWriter.put(dot.counter, into: &bytes)
            }
        }
        self.mailbox = mailbox
    }

    @inline(__always)
    private mutating func put(
        _ message: Dot, _ stream: inout StreamDefinitions, _ bytes: inout [UInt8]
    ) throws(CRDTError) {
        try checkObserved(message)
        let before = message.replica == origin ? counter - message.counter : UInt64.max
        if message.replica == self.message.replica {
            let step = WireWriter.zigzag(Int64(bitPattern: message.counter) &- Int64(bitPattern: self.message.counter))
            if step <= before {
                WireWriter.put(step << 2 | MessageForm.nearPrevious, into: &bytes)
                self.message = message
                return
            }
        }
        if message.replica == origin {
            WireWriter.put(before << 2 | MessageForm.ofOriginBefore, into: &bytes)
        } else {
            let number = try stream.number(of: message.replica)
            WireWriter.put(number << 2 | MessageForm.ofReplica, into: &bytes)
            WireWriter.put(message.counter, into: &bytes)
        }
        self.message = message
    }

    private mutating func put(
        _ assignment: UIDAssignment, _ stream: inout StreamDefinitions,
        _ bytes: inout [UInt8]
    ) throws(CRDTError) {
        guard assignment.uid > 0 && assignment.epoch.number > 0 else {
            throw CRDTError(.malformed, "a UID and its epoch's number are not zero")
        }
        let step = WireWriter.zigzag(Int64(assignment.uid) - Int64(self.assignment?.uid ?? 0))
        if assignment.epoch == self.assignment?.epoch {
            WireWriter.put(step << 1, into: &bytes)
        } else {
            WireWriter.put(step << 1 | 1, into: &bytes)
            try put(assignment.epoch, &stream, &bytes)
        }
        self.assignment = assignment
    }

    private func put(
        _ opening: EpochOpening, _ tag: inout UInt8, _ stream: inout StreamDefinitions, _ bytes: inout [UInt8]
    ) throws(CRDTError) {
        try put(opening.epoch, &stream, &bytes)
        try put(opening.parent, &stream, &bytes)
        WireWriter.put(UInt64(opening.inheritedUpTo), into: &bytes)
        if opening.settled.isEmpty { return }
        try OperationFrame.check(opening)
        tag |= OperationTag.extra
        WireWriter.put(count: opening.settled.count, into: &bytes)
        for last in opening.settled {
            try put(last.epoch, &stream, &bytes)
            WireWriter.put(UInt64(last.uid), into: &bytes)
        }
    }

    private func put(
        _ epoch: UIDEpoch, _ stream: inout StreamDefinitions, _ bytes: inout [UInt8]
    ) throws(CRDTError) {
        guard epoch.number > 0 else { throw CRDTError(.malformed, "an epoch's number is not zero") }
        guard let owner = stream.replicas.index(of: epoch.owner) else {
            throw CRDTError(.undefinedReference, "epoch owner \(epoch.owner) was never interned")
        }
        WireWriter.put(UInt64(epoch.number), into: &bytes)
        WireWriter.put(try stream.number(of: owner), into: &bytes)
    }

    private func put(_ facts: MessageFacts, _ bytes: inout [UInt8]) {
        let words = facts.body.words
        WireWriter.put(bigEndian64: words.0, into: &bytes)
        WireWriter.put(bigEndian64: words.1, into: &bytes)
        WireWriter.put(bigEndian64: words.2, into: &bytes)
        WireWriter.put(bigEndian64: words.3, into: &bytes)
        WireWriter.put(facts.size, into: &bytes)
        WireWriter.put(zigzag: facts.internalDateSeconds &- Int64(timestamp >> 16) / 1_000, into: &bytes)
        WireWriter.put(zigzag: Int64(facts.internalDateZoneMinutes), into: &bytes)
    }

    @inline(__always)
    private mutating func put(
        _ flags: FlagSet, _ stream: inout StreamDefinitions, _ bytes: inout [UInt8]
    ) throws(CRDTError) {
        guard flags.system.rawValue < 0x20 else { throw CRDTError(.malformed, "a set of flags has unknown bits") }
        if flags.keywords.isEmpty {
            bytes.append(flags.system.rawValue)
        } else {
            try putKeywords(flags, &stream, &bytes)
        }
    }

    private func putKeywords(
        _ flags: FlagSet, _ stream: inout StreamDefinitions, _ bytes: inout [UInt8]
    ) throws(CRDTError) {
        let limit = OperationFrame.maximumKeywordsPerFlagSet
        guard flags.keywords.count <= limit else {
            throw CRDTError(.limitExceeded, "a set has at most \(limit) keywords, got \(flags.keywords.count)")
        }
        bytes.append(flags.system.rawValue | 0x80)
        WireWriter.put(count: flags.keywords.count, into: &bytes)
        for keyword in flags.keywords { WireWriter.put(try stream.number(of: keyword), into: &bytes) }
    }

    private func put(name: String, _ bytes: inout [UInt8]) throws(CRDTError) {
        let length = name.utf8.count
        guard length > 0 && length <= OperationFrame.maximumMailboxNameBytes else {
            let limit = OperationFrame.maximumMailboxNameBytes
            throw CRDTError(.limitExceeded, "a mailbox's name has 1 to \(limit) bytes, got \(length)")
        }
        WireWriter.put(name, into: &bytes)
    }

    @inline(__always)
    private func checkObserved(_ dot: Dot) throws(CRDTError) {
        let bound = dot.replica == origin ? counter - 1 : past[dot.replica]
        guard dot.counter > 0 && dot.counter <= bound && dot.replica != .wellKnown else { throw unseen(dot) }
    }

    @inline(never)
    private func unseen(_ dot: Dot) -> CRDTError {
        CRDTError(.undefinedReference, "an operation refers to \(dot), which this replica has not seen")
    }
}
