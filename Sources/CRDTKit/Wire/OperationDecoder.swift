// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Decodes the operations of one frame, one after the other, from bytes that nobody vouches for.
///
/// Beyond the format it checks causality: an operation refers only to what its origin had seen. So a reference can
/// never name a counter that nobody issued, and
/// structures that are indexed by counters do not grow by a claim.
struct OperationDecoder {
    private let origin: ReplicaIndex
    private let symbols: StreamSymbols
    private let replicas: [ReplicaID]
    private let past: VersionVector
    private var counter: UInt64
    private var timestamp: UInt64
    private var account: AccountIndex?
    private var mailbox: MailboxID?
    private var message: Dot
    private var assignment: UIDAssignment?
    private var lastEpochNumber: UInt32
    private var lastOwner: ReplicaIndex

    /// Prepares for the operations of a frame.
    ///
    /// - Parameters:
    ///   - header: the frame's header.
    ///   - origin: the origin's local index.
    ///   - symbols: the origin's numbers, the frame's own definitions among them.
    ///   - replicas: the local table.
    ///   - past: the causal past of the first operation; its entry for the origin does not matter.
    init(
        _ header: FrameHeader, origin: ReplicaIndex, symbols: StreamSymbols, replicas: [ReplicaID], past: VersionVector
    ) {
        self.origin = origin
        self.symbols = symbols
        self.replicas = replicas
        self.past = past
        counter = header.firstCounter
        timestamp = header.timestamp.rawValue
        message = Dot(origin, header.firstCounter)
        lastEpochNumber = header.timestamp.seconds
        lastOwner = origin
    }

    /// The timestamp of the operation that was decoded last, for the check against the header.
    var lastTimestamp: HybridTimestamp { HybridTimestamp(rawValue: timestamp) }

    /// Decodes the next operations, each to where it will lie.
    mutating func next(_ count: Int, _ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> [Operation] {
        var failure: CRDTError?
        let operations = [Operation](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(CRDTError) {
                while initialized < count {
                    buffer.initializeElement(at: initialized, to: try next(bytes, &offset))
                    initialized += 1
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return operations
    }

    /// Decodes the next operation.
    @inline(__always)
    mutating func next(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> Operation {
        let tag = try WireReader.byte(bytes, &offset)
        guard let kind = OperationKind(rawValue: tag & 0x0f) else {
            throw CRDTError(.malformed, "operation kind \(tag & 0x0f) is not known")
        }
        if tag & OperationTag.later != 0 { try advanceTime(bytes, &offset) }
        let account = try account(tag, bytes, &offset)
        let dot = Dot(origin, counter)
        defer { counter += 1 }
        switch kind {
        case .append: return try append(tag, dot, account, bytes, &offset)
        case .store: return try store(tag, dot, account, bytes, &offset)
        case .expunge:
            try OperationDecoder.refuseExtra(tag)
            let mailbox = try mailbox(tag, bytes, &offset)
            let message = try message(bytes, &offset)
            return Operation(
                dot: dot, timestamp: lastTimestamp, account: account, .expunge, mailbox: mailbox, message: message)
        case .assign:
            try OperationDecoder.refuseExtra(tag)
            let mailbox = try mailbox(tag, bytes, &offset)
            let message = try message(bytes, &offset)
            let assignment = try assignment(bytes, &offset)
            return Operation(
                dot: dot, timestamp: lastTimestamp, account: account, .assign, mailbox: mailbox, message: message,
                assignment: assignment)
        case .create, .delete, .rename, .subscribe, .unsubscribe, .epoch, .member, .mark:
            let body = try body(kind, tag, bytes, &offset)
            return Operation(dot: dot, timestamp: lastTimestamp, account: account, body: body)
        }
    }

    @inline(__always)
    private static func refuseExtra(_ tag: UInt8) throws(CRDTError) {
        guard tag & OperationTag.extra == 0 else { throw surplus() }
    }

    @inline(never)
    private static func surplus() -> CRDTError {
        CRDTError(.malformed, "an operation has a part that its kind does not have")
    }

    private mutating func body(
        _ kind: OperationKind, _ tag: UInt8, _ bytes: RawSpan, _ offset: inout Int
    ) throws(CRDTError) -> OperationBody {
        if kind != .epoch { try OperationDecoder.refuseExtra(tag) }
        switch kind {
        case .create:
            return try create(tag, bytes, &offset)
        case .delete:
            return .delete(mailbox: try mailbox(tag, bytes, &offset))
        case .rename:
            let mailbox = try mailbox(tag, bytes, &offset)
            return .rename(mailbox: mailbox, name: try name(bytes, &offset))
        case .subscribe, .unsubscribe:
            guard tag & OperationTag.sameMailbox == 0 else {
                throw CRDTError(.malformed, "a subscription has no mailbox")
            }
            let name = try name(bytes, &offset)
            return kind == .subscribe ? .subscribe(name: name) : .unsubscribe(name: name)
        case .epoch:
            let mailbox = try mailbox(tag, bytes, &offset)
            return .epoch(mailbox: mailbox, opening: try opening(tag, bytes, &offset))
        case .member:
            guard tag & OperationTag.sameMailbox == 0 else {
                throw CRDTError(.malformed, "a membership change has no mailbox")
            }
            return .member(try MemberCoding.read(bytes, &offset))
        case .mark:
            guard tag & OperationTag.sameMailbox == 0 else { throw CRDTError(.malformed, "a mark has no mailbox") }
            let stripe = try WireReader.byte(bytes, &offset)
            guard stripe < 16 else { throw CRDTError(.malformed, "a stripe is below 16, got \(stripe)") }
            return .mark(stripe: stripe)
        case .append, .store, .expunge, .assign:
            throw CRDTError(.malformed, "an operation of kind \(kind) lies flat")
        }
    }

    private mutating func create(
        _ tag: UInt8, _ bytes: RawSpan, _ offset: inout Int
    ) throws(CRDTError) -> OperationBody {
        let mailbox = try mailbox(tag, bytes, &offset)
        let name = try name(bytes, &offset)
        let validity = try WireReader.varint(bytes, &offset, atMost: UInt64(UInt32.max), "a UIDVALIDITY")
        let code = try WireReader.byte(bytes, &offset)
        guard let use = MailboxUse(rawValue: code) else {
            throw CRDTError(.malformed, "special use \(code) is not known")
        }
        return .create(mailbox: mailbox, name: name, uidValidity: UInt32(truncatingIfNeeded: validity), use: use)
    }

    @inline(__always)
    private mutating func store(
        _ tag: UInt8, _ dot: Dot, _ account: AccountIndex, _ bytes: RawSpan, _ offset: inout Int
    ) throws(CRDTError) -> Operation {
        let mailbox = try mailbox(tag, bytes, &offset)
        let message = try message(bytes, &offset)
        let adding = try flags(bytes, &offset)
        let removing = tag & OperationTag.extra != 0 ? try flags(bytes, &offset) : FlagSet()
        if adding.hasKeywords || removing.hasKeywords {
            let body = OperationBody.store(mailbox: mailbox, message: message, adding: adding, removing: removing)
            return Operation(dot: dot, timestamp: lastTimestamp, account: account, body: body)
        }
        return Operation(
            dot: dot, timestamp: lastTimestamp, account: account, .store, mailbox: mailbox, message: message,
            adding: adding.system, removing: removing.system)
    }

    @inline(__always)
    private mutating func append(
        _ tag: UInt8, _ dot: Dot, _ account: AccountIndex, _ bytes: RawSpan, _ offset: inout Int
    ) throws(CRDTError) -> Operation {
        let mailbox = try mailbox(tag, bytes, &offset)
        let flags = try flags(bytes, &offset)
        let facts = try facts(bytes, &offset)
        let assignment = tag & OperationTag.extra != 0 ? try assignment(bytes, &offset) : .none
        if flags.hasKeywords {
            let body = OperationBody.append(
                mailbox: mailbox, facts: facts, flags: flags, assignment: assignment.uid == 0 ? nil : assignment)
            return Operation(dot: dot, timestamp: lastTimestamp, account: account, body: body)
        }
        return Operation(
            dot: dot, timestamp: lastTimestamp, account: account, .append, mailbox: mailbox, adding: flags.system,
            facts: facts, assignment: assignment)
    }

    @inline(__always)
    private func facts(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> MessageFacts {
        let body = try WireReader.digest(bytes, &offset)
        let size = try WireReader.varint(bytes, &offset)
        let seconds = try WireReader.zigzag(bytes, &offset) &+ Int64(timestamp >> 16) / 1_000
        guard let zone = Int16(exactly: try WireReader.zigzag(bytes, &offset)) else {
            throw CRDTError(.malformed, "a time zone is out of range")
        }
        return MessageFacts(
            body: body, size: size, internalDateSeconds: seconds, internalDateZoneMinutes: zone)
    }

    private mutating func advanceTime(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) {
        let step = try WireReader.varint(bytes, &offset)
        let (later, overflow) = timestamp.addingReportingOverflow(step)
        guard !overflow && step > 0 else { throw CRDTError(.malformed, "an operation's time step is \(step)") }
        timestamp = later
    }

    @inline(__always)
    private mutating func account(
        _ tag: UInt8, _ bytes: RawSpan, _ offset: inout Int
    ) throws(CRDTError) -> AccountIndex {
        if tag & OperationTag.sameAccount != 0 {
            guard let account else { throw noPrevious() }
            return account
        }
        let number = try WireReader.varint(bytes, &offset)
        let index = try StreamSymbols.meaning(number, in: symbols.accounts)
        account = index
        return index
    }

    @inline(__always)
    private mutating func mailbox(
        _ tag: UInt8, _ bytes: RawSpan, _ offset: inout Int
    ) throws(CRDTError) -> MailboxID {
        if tag & OperationTag.sameMailbox != 0 {
            guard let mailbox else { throw noPrevious() }
            return mailbox
        }
        let code = try WireReader.varint(bytes, &offset)
        let dot: Dot
        switch code & 3 {
        case MailboxForm.wellKnown:
            guard code >> 2 > 0 && code >> 2 <= OperationFrame.maximumWellKnownCounter else {
                throw CRDTError(.malformed, "well-known mailbox \(code >> 2) does not exist")
            }
            dot = Dot(.wellKnown, code >> 2)
        case MailboxForm.ofOrigin:
            dot = try observed(origin, code >> 2)
        case MailboxForm.ofReplica:
            dot = try observed(try StreamSymbols.meaning(code >> 2, in: symbols.replicas), bytes, &offset)
        default:
            guard code == MailboxForm.thisOperation && tag & 0x0f == OperationKind.create.rawValue else {
                throw CRDTError(.malformed, "only a creation can name the mailbox that it makes")
            }
            dot = Dot(origin, counter)
        }
        mailbox = MailboxID(dot)
        return MailboxID(dot)
    }

    @inline(__always)
    private mutating func message(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> Dot {
        let code = try WireReader.varint(bytes, &offset)
        switch code & 3 {
        case MessageForm.nearPrevious:
            let step = WireReader.unzigzag(code >> 2)
            message = try observed(message.replica, UInt64(bitPattern: Int64(bitPattern: message.counter) &+ step))
        case MessageForm.ofOriginBefore:
            message = try observed(origin, counter &- code >> 2)
        case MessageForm.ofReplica:
            message = try observed(try StreamSymbols.meaning(code >> 2, in: symbols.replicas), bytes, &offset)
        default:
            throw CRDTError(.malformed, "a message reference has form 3")
        }
        return message
    }

    @inline(__always)
    private func observed(
        _ replica: ReplicaIndex, _ bytes: RawSpan, _ offset: inout Int
    ) throws(CRDTError) -> Dot {
        try observed(replica, try WireReader.varint(bytes, &offset))
    }

    /// The dot, if the origin had seen it when it issued this operation.
    @inline(__always)
    private func observed(_ replica: ReplicaIndex, _ counter: UInt64) throws(CRDTError) -> Dot {
        let bound = replica == origin ? self.counter - 1 : past[replica]
        guard counter > 0 && counter <= bound && replica != .wellKnown else { throw unseen(counter, bound) }
        return Dot(replica, counter)
    }

    private mutating func assignment(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> UIDAssignment {
        let code = try WireReader.varint(bytes, &offset)
        let previous = Int64(assignment?.uid ?? 0)
        guard let uid = UInt32(exactly: previous &+ WireReader.unzigzag(code >> 1)), uid > 0 else {
            throw CRDTError(.malformed, "a UID is out of range")
        }
        if code & 1 == 0 {
            guard let epoch = assignment?.epoch else { throw noPrevious() }
            let next = UIDAssignment(uid: uid, epoch: epoch)
            assignment = next
            return next
        }
        let next = UIDAssignment(uid: uid, epoch: try epoch(bytes, &offset))
        assignment = next
        return next
    }

    private mutating func opening(
        _ tag: UInt8, _ bytes: RawSpan, _ offset: inout Int
    ) throws(CRDTError) -> EpochOpening {
        let epoch = try epoch(bytes, &offset)
        let parent = try self.epoch(bytes, &offset)
        var opening = EpochOpening(epoch: epoch, parent: parent, inheritedUpTo: try uid(bytes, &offset))
        if tag & OperationTag.extra == 0 { return opening }
        let limit = UInt64(EpochOpening.maximumSettled)
        let count = try WireReader.varint(bytes, &offset, atMost: limit, "a number of branches")
        guard count > 0 else { throw CRDTError(.malformed, "a list of branches is empty") }
        for _ in 0..<count {
            let branch = try self.epoch(bytes, &offset)
            opening.settled.append(UIDAssignment(uid: try uid(bytes, &offset), epoch: branch))
        }
        try OperationFrame.check(opening)
        return opening
    }

    private func uid(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> UInt32 {
        UInt32(truncatingIfNeeded: try WireReader.varint(bytes, &offset, atMost: UInt64(UInt32.max), "a UID"))
    }

    private mutating func epoch(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> UIDEpoch {
        let code = try WireReader.varint(bytes, &offset)
        let step = WireReader.unzigzag(code >> 1)
        guard let number = UInt32(exactly: Int64(lastEpochNumber) &+ step), number > 0 else {
            throw CRDTError(.malformed, "an epoch's number is out of range")
        }
        if code & 1 != 0 {
            let owner = try StreamSymbols.meaning(try WireReader.varint(bytes, &offset), in: symbols.replicas)
            guard owner != .wellKnown && owner != lastOwner else {
                throw CRDTError(.malformed, "an epoch's owner is no replica, or the one of the epoch before")
            }
            lastOwner = owner
        }
        lastEpochNumber = number
        return UIDEpoch(number: number, owner: replicas[Int(lastOwner.rawValue)])
    }

    @inline(__always)
    private func flags(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> FlagSet {
        let code = try WireReader.byte(bytes, &offset)
        if code < 0x20 { return FlagSet(SystemFlags(rawValue: code)) }
        return try flagsWithKeywords(code, bytes, &offset)
    }

    private func flagsWithKeywords(
        _ code: UInt8, _ bytes: RawSpan, _ offset: inout Int
    ) throws(CRDTError) -> FlagSet {
        guard code & 0x60 == 0 else { throw CRDTError(.malformed, "a set of flags has unknown bits") }
        let limit = UInt64(OperationFrame.maximumKeywordsPerFlagSet)
        let count = try WireReader.varint(bytes, &offset, atMost: limit, "a number of keywords")
        guard count > 0 else { throw CRDTError(.malformed, "a list of keywords is empty") }
        var keywords: [KeywordIndex] = []
        for _ in 0..<count {
            keywords.append(try StreamSymbols.meaning(try WireReader.varint(bytes, &offset), in: symbols.keywords))
        }
        return FlagSet(SystemFlags(rawValue: code & 0x1f), keywords: keywords)
    }

    private func name(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> String {
        try WireReader.text(bytes, &offset, atMost: OperationFrame.maximumMailboxNameBytes, "a mailbox's name")
    }

    @inline(never)
    private func noPrevious() -> CRDTError {
        CRDTError(.malformed, "a frame's first use of a value refers to the one before")
    }

    @inline(never)
    private func unseen(_ counter: UInt64, _ bound: UInt64) -> CRDTError {
        CRDTError(.undefinedReference, "an operation refers to counter \(counter), its past goes to \(bound)")
    }
}
