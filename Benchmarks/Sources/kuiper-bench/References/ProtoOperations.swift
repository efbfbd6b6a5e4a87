// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import FoundationEssentials
internal import SwiftProtobuf

extension ProtoBatch {
    /// The operations of a frame as messages.
    init(_ operations: [Operation]) {
        guard let first = operations.first else {
            self.init()
            return
        }
        self.init()
        replica = PlannedWorld.replica.rawValue
        firstCounter = first.dot.counter
        timestamp = first.timestamp.rawValue
        changes = operations.map { ProtoChange($0, after: first.timestamp) }
    }
}

extension ProtoChange {
    fileprivate init(_ operation: Operation, after start: HybridTimestamp) {
        self.init()
        later = operation.timestamp.rawValue - start.rawValue
        account = operation.account.rawValue
        mailbox = operation.body.mailbox?.dot.counter ?? 0
        switch operation.body {
        case .create(_, let name, let uidValidity, _):
            create = .with {
                $0.name = name
                $0.uidValidity = uidValidity
            }
        case .append(_, let facts, let flags, let assignment):
            append = .with {
                $0.digest = Data(facts.body.bytes)
                $0.size = facts.size
                $0.date = UInt64(facts.internalDateSeconds)
                $0.zone = Int32(facts.internalDateZoneMinutes)
                $0.flags = UInt32(flags.system.rawValue)
                $0.uid = assignment?.uid ?? 0
                $0.epoch = assignment?.epoch.number ?? 0
            }
        case .store(_, let message, let adding, let removing):
            store = .with {
                $0.message = message.counter
                $0.adding = UInt32(adding.system.rawValue)
                $0.removing = UInt32(removing.system.rawValue)
            }
        case .expunge(_, let message): expunge = .with { $0.message = message.counter }
        default: break
        }
    }
}
