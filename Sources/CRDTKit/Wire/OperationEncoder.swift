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
    /// The number of the epoch that was put last; at first the time in seconds, which is what numbers of epochs begin with.
    private var lastEpochNumber: UInt32
    /// The owner of the epoch that was put last; nil, for the origin, before the first.
    private var lastOwner: ReplicaID?

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
        lastEpochNumber = timestamp.seconds
    }

    /// Appends one operation.
    ///
    /// - Parameters:
    ///   - operation: where the operation lies, whose dot is the next of the frame.
    ///   - stream: the stream's numbers; gains definitions.
    ///   - bytes: where the operation goes.
    /// - Throws: `malformed`, `limitExceeded` or `undefinedReference` if no peer could accept the operation.
    mutating func encode(
        _ operation: UnsafePointer<Operation>, _ stream: inout StreamDefinitions, into bytes: inout ByteSink
    ) throws(CRDTError) {
        guard operation.pointee.dot == Dot(origin, counter) && operation.pointee.timestamp.rawValue >= timestamp else {
            throw CRDTError(
                .malformed, "operation \(operation.pointee.dot) is out of sequence, next is \(Dot(origin, counter))")
        }
        let tagPosition = bytes.count
        var tag: UInt8 = 0
        bytes.append(0)
        if operation.pointee.timestamp.rawValue > timestamp {
            tag |= OperationTag.later
            bytes.put(operation.pointee.timestamp.rawValue - timestamp)
            timestamp = operation.pointee.timestamp.rawValue
        }
        if operation.pointee.account == account {
            tag |= OperationTag.sameAccount
        } else {
            bytes.put(try stream.number(of: operation.pointee.account))
            account = operation.pointee.account
        }
        tag |= operation.pointee.kind.rawValue
        if let whole = operation.pointee.whole {
            try put(whole.body, &tag, &stream, &bytes)
        } else {
            try put(flat: operation, &tag, &stream, &bytes)
        }
        bytes[tagPosition] = tag
        counter += 1
    }

    /// The operations of which there are many.
    @inline(__always)
    private mutating func put(
        flat operation: UnsafePointer<Operation>, _ tag: inout UInt8, _ stream: inout StreamDefinitions,
        _ bytes: inout ByteSink
    ) throws(CRDTError) {
        try put(operation.pointee.mailbox, &tag, &stream, &bytes)
        switch operation.pointee.kind {
        case .append:
            try put(operation.pointee.adding, &bytes)
            put(operation.pointee.facts, &bytes)
            if operation.pointee.assignment.uid != 0 {
                tag |= OperationTag.extra
                try put(operation.pointee.assignment, &stream, &bytes)
            }
        case .store:
            try put(operation.pointee.message, &stream, &bytes)
            try put(operation.pointee.adding, &bytes)
            if !operation.pointee.removing.isEmpty {
                tag |= OperationTag.extra
                try put(operation.pointee.removing, &bytes)
            }
        case .expunge:
            try put(operation.pointee.message, &stream, &bytes)
        case .assign:
            try put(operation.pointee.message, &stream, &bytes)
            try put(operation.pointee.assignment, &stream, &bytes)
        case .delete: break
        case .create, .rename, .subscribe, .unsubscribe, .epoch, .member, .mark:
            throw CRDTError(.malformed, "an operation of kind \(operation.pointee.kind) has no body")
        }
    }

    /// The operations of which there are few.
    private mutating func put(
        _ body: OperationBody, _ tag: inout UInt8, _ stream: inout StreamDefinitions, _ bytes: inout ByteSink
    ) throws(CRDTError) {
        if let mailbox = body.mailbox { try put(mailbox, &tag, &stream, &bytes) }
        switch body {
        case .append(_, let facts, let flags, let assignment):
            try put(flags, &stream, &bytes)
            put(facts, &bytes)
            if let assignment {
                tag |= OperationTag.extra
                try put(assignment, &stream, &bytes)
            }
        case .store(_, let message, let adding, let removing):
            try put(message, &stream, &bytes)
            try put(adding, &stream, &bytes)
            if !removing.isEmpty {
                tag |= OperationTag.extra
                try put(removing, &stream, &bytes)
            }
        case .create(_, let name, let uidValidity, let use):
            try put(name: name, &bytes)
            bytes.put(UInt64(uidValidity))
            bytes.append(use.rawValue)
        case .rename(_, let name), .subscribe(let name), .unsubscribe(let name):
            try put(name: name, &bytes)
        case .epoch(_, let opening):
            try put(opening, &tag, &stream, &bytes)
        case .member(let change):
            var fields: [UInt8] = []
            try MemberCoding.put(change, into: &fields)
            bytes.append(contentsOf: fields)
        case .mark(let stripe):
            guard stripe < 16 else { throw CRDTError(.malformed, "a stripe is below 16, got \(stripe)") }
            bytes.append(stripe)
        case .delete, .expunge, .assign:
            throw CRDTError(.malformed, "an operation of kind \(body.kind) lies flat")
        }
    }

    @inline(__always)
    private mutating func put(
        _ mailbox: MailboxID, _ tag: inout UInt8, _ stream: inout StreamDefinitions,
        _ bytes: inout ByteSink
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
            bytes.put(dot.counter << 2 | MailboxForm.wellKnown)
        } else if dot == Dot(origin, counter) && tag & 0x0f == OperationKind.create.rawValue {
            bytes.put(MailboxForm.thisOperation)
        } else {
            try checkObserved(dot)
            if dot.replica == origin {
                bytes.put(dot.counter << 2 | MailboxForm.ofOrigin)
            } else {
                let number = try stream.number(of: dot.replica)
                bytes.put(number << 2 | MailboxForm.ofReplica)
                bytes.put(dot.counter)
            }
        }
        self.mailbox = mailbox
    }

    @inline(__always)
    private mutating func put(
        _ message: Dot, _ stream: inout StreamDefinitions, _ bytes: inout ByteSink
    ) throws(CRDTError) {
        try checkObserved(message)
        let before = message.replica == origin ? counter - message.counter : UInt64.max
        if message.replica == self.message.replica {
            let step = WireWriter.zigzag(Int64(bitPattern: message.counter) &- Int64(bitPattern: self.message.counter))
            if step <= before {
                bytes.put(step << 2 | MessageForm.nearPrevious)
                self.message = message
                return
            }
        }
        if message.replica == origin {
            bytes.put(before << 2 | MessageForm.ofOriginBefore)
        } else {
            let number = try stream.number(of: message.replica)
            bytes.put(number << 2 | MessageForm.ofReplica)
            bytes.put(message.counter)
        }
        self.message = message
    }

    private mutating func put(
        _ assignment: UIDAssignment, _ stream: inout StreamDefinitions,
        _ bytes: inout ByteSink
    ) throws(CRDTError) {
        guard assignment.uid > 0 && assignment.epoch.number > 0 else {
            throw CRDTError(.malformed, "a UID and its epoch's number are not zero")
        }
        let step = WireWriter.zigzag(Int64(assignment.uid) - Int64(self.assignment?.uid ?? 0))
        if assignment.epoch == self.assignment?.epoch {
            bytes.put(step << 1)
        } else {
            bytes.put(step << 1 | 1)
            try put(assignment.epoch, &stream, &bytes)
        }
        self.assignment = assignment
    }

    private mutating func put(
        _ opening: EpochOpening, _ tag: inout UInt8, _ stream: inout StreamDefinitions, _ bytes: inout ByteSink
    ) throws(CRDTError) {
        try put(opening.epoch, &stream, &bytes)
        try put(opening.parent, &stream, &bytes)
        bytes.put(UInt64(opening.inheritedUpTo))
        if opening.settled.isEmpty { return }
        try OperationFrame.check(opening)
        tag |= OperationTag.extra
        bytes.put(UInt64(truncatingIfNeeded: opening.settled.count))
        for last in opening.settled {
            try put(last.epoch, &stream, &bytes)
            bytes.put(UInt64(last.uid))
        }
    }

    private mutating func put(
        _ epoch: UIDEpoch, _ stream: inout StreamDefinitions, _ bytes: inout ByteSink
    ) throws(CRDTError) {
        guard epoch.number > 0 else { throw CRDTError(.malformed, "an epoch's number is not zero") }
        let step = WireWriter.zigzag(Int64(epoch.number) - Int64(lastEpochNumber))
        lastEpochNumber = epoch.number
        if epoch.owner == lastOwner ?? stream.replicas.ids[Int(origin.rawValue)] {
            bytes.put(step << 1)
            lastOwner = epoch.owner
            return
        }
        guard let owner = stream.replicas.index(of: epoch.owner) else {
            throw CRDTError(.undefinedReference, "epoch owner \(epoch.owner) was never interned")
        }
        bytes.put(step << 1 | 1)
        bytes.put(try stream.number(of: owner))
        lastOwner = epoch.owner
    }

    private func put(_ facts: MessageFacts, _ bytes: inout ByteSink) {
        bytes.put(facts.body)
        bytes.put(facts.size)
        bytes.put(zigzag: facts.internalDateSeconds &- Int64(timestamp >> 16) / 1_000)
        bytes.put(zigzag: Int64(facts.internalDateZoneMinutes))
    }

    @inline(__always)
    private mutating func put(
        _ flags: FlagSet, _ stream: inout StreamDefinitions, _ bytes: inout ByteSink
    ) throws(CRDTError) {
        if flags.hasKeywords {
            try putKeywords(flags, &stream, &bytes)
        } else {
            try put(flags.system, &bytes)
        }
    }

    @inline(__always)
    private func put(_ flags: SystemFlags, _ bytes: inout ByteSink) throws(CRDTError) {
        guard flags.rawValue < 0x20 else { throw OperationEncoder.unknownFlags() }
        bytes.append(flags.rawValue)
    }

    @inline(never)
    private static func unknownFlags() -> CRDTError {
        CRDTError(.malformed, "a set of flags has unknown bits")
    }

    private func putKeywords(
        _ flags: FlagSet, _ stream: inout StreamDefinitions, _ bytes: inout ByteSink
    ) throws(CRDTError) {
        guard flags.system.rawValue < 0x20 else { throw OperationEncoder.unknownFlags() }
        let limit = OperationFrame.maximumKeywordsPerFlagSet
        guard flags.keywords.count <= limit else {
            throw CRDTError(.limitExceeded, "a set has at most \(limit) keywords, got \(flags.keywords.count)")
        }
        bytes.append(flags.system.rawValue | 0x80)
        bytes.put(UInt64(truncatingIfNeeded: flags.keywords.count))
        for keyword in flags.keywords { bytes.put(try stream.number(of: keyword)) }
    }

    private func put(name: String, _ bytes: inout ByteSink) throws(CRDTError) {
        let length = name.utf8.count
        guard length > 0 && length <= OperationFrame.maximumMailboxNameBytes else {
            let limit = OperationFrame.maximumMailboxNameBytes
            throw CRDTError(.limitExceeded, "a mailbox's name has 1 to \(limit) bytes, got \(length)")
        }
        bytes.append(contentsOf: WireWriter.encoded(name))
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
