// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a part of a snapshot brought; records are in this node's indexes, as for its engine.
public enum SnapshotImportStep: Sendable, Hashable {
    /// The snapshot begins: who made it.
    case began(SnapshotScope, exporter: ReplicaID)
    /// An account begins: it is in the state after the operations of `vector`, so of what is received or replayed an operation on this account is applied
    /// unless its dot lies in `vector`. The digest is that of the whole account.
    case account(AccountIndex, name: String, vector: VersionVector, digest: StateDigest)
    /// The account's own record.
    case accountRecord([UInt8])
    /// A subscription's record.
    case subscription(name: String, [UInt8])
    /// A mailbox's header record.
    case mailbox(MailboxID, [UInt8])
    /// A message's record, and the body that it refers to.
    case message(MailboxID, Dot, body: BodyDigest, size: UInt64, [UInt8])
    /// All records of the account are here, they fit together, and their digest is what it should be.
    case closed(AccountIndex)
    /// The snapshot is complete.
    case finished
}

/// Reads the parts of a snapshot, believing none of them, and translates what they hold into this node's indexes.
///
/// The replica that is passed along is the one of the state that the snapshot makes: for ``SnapshotScope/everything`` a new one without history
/// (``Replica/init(forgettingHistoryOf:)``, or a plain new one), which goes on from the exporter's vector as soon as the tables are here, keeps its own name, and
/// whose `checkpoint(.everything)` belongs into the new engine at the end; for ``SnapshotScope/account(_:)`` the node's own, which only learns names. What the steps
/// bring is to be kept apart from the state in use until the snapshot (or, for ``SnapshotScope/account(_:)``, the account) is complete: after an error, drop it all.
///
/// An account may be ahead of the replica: it was exported while the exporter went on. Until the replica's delivered vector covers ``vector`` (the frames in
/// between come over the streams), the account is not to be used for commands, compared or exported again: what a command sees must be in its causal past.
///
/// Memory: one part, one item, and the records of one mailbox while it is checked.
public struct SnapshotImport: Sendable {
    /// An account on its way.
    struct Account: Sendable {
        let index: AccountIndex
        let digest: StateDigest
        /// In the exporter's indexes.
        let vector: VersionVector
        var records: UInt64 = 0
        var header: [UInt8]?
        var mailboxes: [[UInt8]] = []
        var subscriptions: [[UInt8]] = []
        /// The elements of the mailboxes that are complete.
        var sum = StateDigest()
        /// The mailbox whose messages come, in this node's indexes.
        var mailbox: Mailbox?
        var messages: [RestoredMessage] = []
    }

    /// What is imported.
    public let scope: SnapshotScope
    /// The bounds.
    public let limits: SnapshotLimits
    /// The wall clock when the import began, milliseconds since 1970.
    public let nowMilliseconds: UInt64
    /// The modification sequence of all messages that come.
    let modSeq: UInt64
    /// Whether the snapshot is complete.
    public private(set) var isFinished = false
    /// The number of accounts that are complete.
    public internal(set) var accountCount: UInt64 = 0
    /// The bytes of all parts so far.
    public private(set) var byteCount: UInt64 = 0

    /// The operations that any of the complete accounts contains, in this node's indexes.
    public internal(set) var vector = VersionVector()

    var translation = SnapshotTranslation()
    /// The exporter's replicas and the hashes of its names, by its indexes.
    var exporterReplicas = ReplicaTable()
    var exporterKeywordHashes: [UInt64] = []
    var exporterClock: HybridTimestamp?
    /// In the exporter's indexes.
    var delivered = VersionVector()
    var hasVector = false
    var streams: [Replica.ImportedStream] = []
    var hasTables = false
    var account: Account?
    private var pending: [UInt8] = []
    private var sequence: UInt64 = 0
    private var isBroken = false

    /// Begins an import.
    ///
    /// - Parameters:
    ///   - scope: what is expected.
    ///   - nowMilliseconds: the wall clock, milliseconds since 1970: an exporter whose clock is too far ahead is refused.
    ///   - modSeqs: what the modification sequences of this replica have in common. Until the snapshot is in force, the replica must set no further mark.
    ///   - limits: the bounds.
    public init(
        _ scope: SnapshotScope, nowMilliseconds: UInt64, modSeqs: ModSeqStamp = ModSeqStamp(),
        limits: SnapshotLimits = SnapshotLimits()
    ) {
        self.scope = scope
        self.nowMilliseconds = nowMilliseconds
        modSeq = modSeqs.value(notBelow: HybridTimestamp(milliseconds: nowMilliseconds).rawValue)
        self.limits = limits
    }

    /// Takes the next part.
    ///
    /// - Parameters:
    ///   - part: the part.
    ///   - replica: the replica of the state that the snapshot makes; see the type.
    /// - Returns: what the part brought, in order.
    /// - Throws: `malformed`, `unsupportedVersion` or `limitExceeded` for bytes that are no part of such a snapshot or come out of turn, `clockTooFarAhead`,
    ///   `notPermitted` if `replica` has a history. The import is over then; `replica` may have learned names.
    /// - Complexity: O(bytes), and O(records) when a mailbox is complete.
    public mutating func take(
        _ part: [UInt8], into replica: inout Replica
    ) throws(CRDTError) -> [SnapshotImportStep] {
        guard !isBroken && !isFinished else { throw SnapshotItem.malformed("a part follows the end") }
        isBroken = true
        try open(part)
        var steps: [SnapshotImportStep] = []
        let stream = pending
        pending = []
        let bytes = stream.span.bytes
        var offset = 0
        while let item = try nextItem(bytes, &offset) {
            if isFinished { throw SnapshotItem.malformed("an item follows the end") }
            try read(item.kind, bytes.extracting(item.fields), &replica, &steps)
        }
        pending = Array(stream[offset...])
        if isFinished && !pending.isEmpty { throw SnapshotItem.malformed("bytes follow the end") }
        isBroken = false
        return steps
    }

    /// Checks the head of a part and puts its bytes behind what is left of the one before.
    private mutating func open(_ part: [UInt8]) throws(CRDTError) {
        guard part.count <= limits.maximumPartBytes else {
            let limit = limits.maximumPartBytes
            throw CRDTError(.limitExceeded, "a part of a snapshot has at most \(limit) bytes, got \(part.count)")
        }
        let bytes = part.span.bytes
        var offset = 0
        let format = try WireReader.byte(bytes, &offset)
        guard format == SnapshotItem.format else {
            throw CRDTError(.unsupportedVersion, "snapshot format \(format), known is \(SnapshotItem.format)")
        }
        let number = try WireReader.varint(bytes, &offset)
        guard number == sequence else { throw SnapshotItem.malformed("part \(number) came instead of \(sequence)") }
        sequence += 1
        byteCount += UInt64(part.count)
        pending.append(contentsOf: part[offset...])
    }

    /// The next whole item, or nil if more bytes are needed.
    private func nextItem(
        _ bytes: RawSpan, _ offset: inout Int
    ) throws(CRDTError) -> (kind: SnapshotItem, fields: Range<Int>)? {
        // Kind and length have at most eleven bytes; what is cut off in the middle of them is not malformed yet.
        let rest = bytes.byteCount - offset
        if rest == 0 { return nil }
        var end = offset + 1
        while end < bytes.byteCount && end < offset + 11
            && bytes.unsafeLoad(fromByteOffset: end, as: UInt8.self) >= 0x80
        {
            end += 1
        }
        if end >= bytes.byteCount && rest < 11 { return nil }
        var cursor = offset
        let code = try WireReader.byte(bytes, &cursor)
        guard let kind = SnapshotItem(rawValue: code) else {
            throw SnapshotItem.malformed("an item of unknown kind \(code)")
        }
        let limit = UInt64(limits.maximumItemBytes)
        let length = Int(try WireReader.varint(bytes, &cursor, atMost: limit, "the length of a snapshot's item"))
        if bytes.byteCount - cursor < length { return nil }
        offset = cursor + length
        return (kind, cursor..<offset)
    }

    private mutating func read(
        _ kind: SnapshotItem, _ bytes: RawSpan, _ replica: inout Replica, _ steps: inout [SnapshotImportStep]
    ) throws(CRDTError) {
        if (exporterClock == nil) != (kind == .start) { throw SnapshotItem.malformed("the start is not at the start") }
        switch kind {
        case .start: steps.append(try readStart(bytes, replica))
        case .replicas: try readReplicas(bytes, &replica)
        case .keywords: try readKeywords(bytes, &replica)
        case .accounts, .vector, .origin, .symbols:
            guard scope == .everything && !hasTables else {
                throw SnapshotItem.malformed("a table comes out of turn")
            }
            try readTable(kind, bytes, &replica)
        case .account:
            try completeTables(&replica)
            steps.append(try readAccount(bytes, &replica))
        case .record: try readRecord(bytes, replica, &steps)
        case .closed: steps.append(try readClosed(bytes, replica))
        case .finish:
            try completeTables(&replica)
            var offset = 0
            let count = try WireReader.varint(bytes, &offset)
            try SnapshotImport.checkEnd(bytes, offset)
            guard account == nil && count == accountCount else {
                throw SnapshotItem.malformed("\(accountCount) accounts are complete, \(count) were sent")
            }
            isFinished = true
            steps.append(.finished)
        }
    }

    static func checkEnd(_ bytes: RawSpan, _ offset: Int) throws(CRDTError) {
        guard offset == bytes.byteCount else { throw SnapshotItem.malformed("bytes follow an item's last value") }
    }
}
