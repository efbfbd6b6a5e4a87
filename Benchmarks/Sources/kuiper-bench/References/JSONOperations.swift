// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit

/// The operations of a frame as Codable makes text of them.
struct JSONBatch: Codable {
    struct Change: Codable {
        var account: UInt32
        var timestamp: UInt64
        var kind: String
        var mailbox: UInt64
        var name: String?
        var uidValidity: UInt32?
        var message: UInt64?
        var digest: String?
        var size: UInt64?
        var date: Int64?
        var zone: Int16?
        var flags: UInt8?
        var adding: UInt8?
        var removing: UInt8?
        var uid: UInt32?
        var epoch: UInt32?
    }

    var replica: UInt64
    var firstCounter: UInt64
    var changes: [Change]

    init(_ operations: [Operation]) {
        replica = PlannedWorld.replica.rawValue
        firstCounter = operations.first?.dot.counter ?? 0
        changes = operations.map { Change($0) }
    }

    /// So many frames as make a measurement of something that is slow.
    static func sample(of frames: [[Operation]]) -> (batches: [JSONBatch], operationCount: Int) {
        var batches: [JSONBatch] = []
        var count = 0
        for frame in frames where count < 8_192 {
            batches.append(JSONBatch(frame))
            count += frame.count
        }
        return (batches, count)
    }
}

extension JSONBatch.Change {
    init(_ operation: Operation) {
        (account, timestamp) = (operation.account.rawValue, operation.timestamp.rawValue)
        mailbox = operation.body.mailbox?.dot.counter ?? 0
        kind = ""
        switch operation.body {
        case .create(_, let name, let uidValidity, _):
            (kind, self.name, self.uidValidity) = ("create", name, uidValidity)
        case .append(_, let facts, let flags, let assignment):
            kind = "append"
            digest = facts.body.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            (size, date, zone) = (facts.size, facts.internalDateSeconds, facts.internalDateZoneMinutes)
            if !flags.system.isEmpty { self.flags = flags.system.rawValue }
            (uid, epoch) = (assignment?.uid, assignment?.epoch.number)
        case .store(_, let target, let adding, let removing):
            (kind, message) = ("store", target.counter)
            (self.adding, self.removing) = (adding.system.rawValue, removing.system.rawValue)
        case .expunge(_, let target): (kind, message) = ("expunge", target.counter)
        default: break
        }
    }
}
