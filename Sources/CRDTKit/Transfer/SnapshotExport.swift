// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Turns accounts into the parts of a snapshot that another node can read.
///
/// The shell begins each account under the lock that guards replica and state, and encodes the copy of the state outside of it:
///
///     var export = SnapshotExport(.everything, of: replica)
///     for each account {
///         under the lock: copy = state.copy(); export.begin(name, state: copy, replica: replica)
///         var account = AccountExport(copy)
///         while true {
///             switch account.step(into: &export) {
///             case .more: break
///             case .needsMessages(let mailbox): export each message record of the engine: export.add(record)
///             case .finished: done with this account
///             }
///             while let part = export.nextPart() { send it }
///         }
///     }
///     export.finish(); while let part = export.nextPart() { send it }
///
/// Every log frame behind the vector at which the export was made must stay available to the receiver until it has caught up.
public struct SnapshotExport: Sendable {
    /// What is exported.
    public let scope: SnapshotScope
    /// The bounds.
    public let limits: SnapshotLimits
    /// What the exporter had delivered when the export was made; the vector of each account covers it.
    public let delivered: VersionVector
    /// The bytes of all parts so far.
    public private(set) var byteCount: UInt64 = 0

    private var tables: SnapshotTables
    private var tablesAreWritten = false
    private var stream: [UInt8] = []
    private var sequence: UInt64 = 0
    private var accounts: UInt64 = 0
    private var records: UInt64 = 0
    private var isInAccount = false
    private var isFinished = false

    /// Begins an export.
    ///
    /// - Parameters:
    ///   - scope: what is exported.
    ///   - replica: the exporter's replica, whose tables are shared, not copied, until they are written.
    ///   - limits: the bounds.
    public init(_ scope: SnapshotScope, of replica: borrowing Replica, limits: SnapshotLimits = SnapshotLimits()) {
        self.scope = scope
        self.limits = limits
        delivered = replica.delivered
        tables = SnapshotTables(scope, of: replica)
        var fields: [UInt8] = [SnapshotItem.code(of: scope)]
        WireWriter.put(UInt64(replica.partition.rawValue), into: &fields)
        SnapshotItem.put(replica.id, into: &fields)
        WireWriter.put(fixed64: replica.clock.latest.rawValue, into: &fields)
        SnapshotItem.put(.start, fields, into: &stream)
    }

    /// Begins an account, in the state that it has now.
    ///
    /// - Parameters:
    ///   - name: the account's name; that of the scope if it has one.
    ///   - state: the account's state or a copy of it; its records follow with ``add(_:)``.
    ///   - replica: the exporter's replica, with nothing delivered since the state was what it is.
    /// - Precondition: the account before was ended and the export is not finished.
    public mutating func begin(_ name: String, state: borrowing AccountState, replica: borrowing Replica) {
        precondition(!isInAccount && !isFinished, "an account begins before the last one ended")
        writeTables()
        tables.writeNews(of: replica, into: &stream)
        var fields: [UInt8] = []
        WireWriter.put(name, into: &fields)
        let digest = state.digest
        WireWriter.put(fixed64: digest.high, into: &fields)
        WireWriter.put(fixed64: digest.low, into: &fields)
        SnapshotItem.put(replica.delivered, into: &fields)
        SnapshotItem.put(.account, fields, into: &stream)
        isInAccount = true
        (accounts, records) = (accounts + 1, 0)
        add(state.accountRecord())
    }

    /// Adds a record of the account that was begun.
    ///
    /// - Parameter record: the record as the exporter's engine holds it or the state gives it out; a message's after that of its mailbox.
    /// - Precondition: an account was begun.
    public mutating func add(_ record: [UInt8]) {
        precondition(isInAccount, "a record belongs to an account")
        SnapshotItem.put(.record, record, into: &stream)
        records += 1
    }

    /// Ends the account that was begun.
    ///
    /// - Precondition: an account was begun.
    public mutating func endAccount() {
        precondition(isInAccount, "an account ends that was not begun")
        var fields: [UInt8] = []
        WireWriter.put(records, into: &fields)
        SnapshotItem.put(.closed, fields, into: &stream)
        isInAccount = false
    }

    /// Ends the export: the last part may be short.
    ///
    /// - Precondition: the last account was ended.
    public mutating func finish() {
        precondition(!isInAccount && !isFinished, "an export is finished once, after its last account")
        writeTables()
        var fields: [UInt8] = []
        WireWriter.put(accounts, into: &fields)
        SnapshotItem.put(.finish, fields, into: &stream)
        isFinished = true
    }

    /// Gives out the next part.
    ///
    /// - Returns: a part of at most ``SnapshotLimits/maximumPartBytes``; nil if there is not enough for one yet, or nothing more after ``finish()``.
    public mutating func nextPart() -> [UInt8]? {
        // Ten bytes are enough for format and sequence.
        let room = max(1, limits.maximumPartBytes - 11)
        while stream.count < room && !tablesAreWritten { tablesAreWritten = !tables.write(into: &stream) }
        if stream.isEmpty || (stream.count < room && !isFinished) { return nil }
        var part: [UInt8] = [SnapshotItem.format]
        WireWriter.put(sequence, into: &part)
        part.append(contentsOf: stream.prefix(room))
        stream.removeFirst(min(room, stream.count))
        sequence += 1
        byteCount += UInt64(part.count)
        return part
    }

    /// Whether nothing is left after ``finish()``: the part that was given out was the last.
    public var isComplete: Bool { isFinished && stream.isEmpty }

    /// Whether a part is full: what the shell asks before it goes on encoding.
    public var hasFullPart: Bool { stream.count >= max(1, limits.maximumPartBytes - 11) }

    private mutating func writeTables() {
        while !tablesAreWritten { tablesAreWritten = !tables.write(into: &stream) }
    }
}
