// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing
import TestSupport

@testable import CRDTKit

@Suite struct HostileTransferTests {
    private func exporter(_ seed: UInt64) throws -> (TransferNode, SeededGenerator) {
        var generator = SeededGenerator(seed: seed)
        let node = try TransferNode(30, using: &generator)
        let other = try TransferNode(20, using: &generator)
        for step in 0..<40 {
            try (step % 3 == 0 ? other : node).issue("anna", using: &generator)
            if step % 5 == 0 { try other.send(to: node) }
        }
        return (node, generator)
    }

    private func importer() throws -> TransferNode {
        TransferNode(replica: try Replica(partition: PartitionID(7), id: ReplicaID(40)))
    }

    /// The code of the error that the import of the parts ends with, or nil if it ends well.
    private func outcome(_ parts: [[UInt8]], now: UInt64 = 1_000_000) throws -> CRDTError.Code? {
        let node = try importer()
        node.now = now
        do {
            try Transfer.install(parts, in: node)
            return nil
        } catch {
            return (error as? CRDTError)?.code ?? CRDTError.Code.noSuchMessage
        }
    }

    @Test func everyTruncationIsRefused() throws {
        let (node, _) = try exporter(1)
        let parts = try Transfer.parts(of: node, partBytes: 256 << 10)
        #expect(parts.count == 1)
        let whole = parts[0]
        for end in 0..<whole.count {
            let code = try outcome([Array(whole[..<end])])
            if code != .malformed { Issue.record("cut at \(end): \(String(describing: code))") }
        }
        #expect(try outcome([whole]) == nil)
        #expect(try outcome([whole + [0]]) == .malformed)
    }

    @Test(arguments: 0..<4)
    func mutatedBytesNeverTrapAndAreRefusedWhereItMatters(seed: UInt64) throws {
        let (node, generator) = try exporter(seed)
        var random = generator
        let whole = try Transfer.parts(of: node, partBytes: 256 << 10)[0]
        for _ in 0..<1_500 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let target = try importer()
            do {
                try Transfer.install([bytes], in: target)
                // What was taken is a consistent state.
                let violation = try target.violation()
                if let violation { Issue.record("seed \(seed): \(violation)") }
            } catch is CRDTError {}
        }
    }

    @Test func partsOutOfOrderAreRefused() throws {
        let (node, _) = try exporter(2)
        let parts = try Transfer.parts(of: node, partBytes: 200)
        #expect(parts.count > 5)
        #expect(try outcome([parts[0], parts[2]]) == .malformed)
        #expect(try outcome([parts[0], parts[0]]) == .malformed)
        #expect(try outcome(Array(parts.dropFirst())) == .malformed)
        #expect(try outcome(Array(parts.dropLast())) == .malformed)
        #expect(try outcome(parts + [parts[0]]) == .malformed)
    }

    @Test func otherFormatsPartitionsScopesAndClocksAreRefused() throws {
        let (node, _) = try exporter(3)
        let parts = try Transfer.parts(of: node, partBytes: 4_096)
        var other = parts
        other[0][0] = 2
        #expect(try outcome(other) == .unsupportedVersion)
        #expect(try outcome(parts, now: 1_000) == .clockTooFarAhead)
        #expect(try outcome(try Transfer.parts(of: node, .account("anna"), partBytes: 4_096)) == .malformed)
        let stranger = TransferNode(replica: try Replica(partition: PartitionID(8), id: ReplicaID(40)))
        #expect(code { try Transfer.install(parts, in: stranger) } == .malformed)
    }

    @Test func hugeClaimsCostNothing() throws {
        let (node, _) = try exporter(4)
        let start = try Transfer.parts(of: node, partBytes: 4_096)[0]
        var item: [UInt8] = [SnapshotItem.record.rawValue]
        WireWriter.put(UInt64(1) << 40, into: &item)
        #expect(try outcome([start + item, item]) != nil)
        #expect(try outcome([[UInt8](repeating: 1, count: 2 << 20)]) == .limitExceeded)
    }

    @Test func aReplicaWithHistoryTakesNoSnapshotOfEverything() throws {
        let (node, generator) = try exporter(5)
        var random = generator
        let parts = try Transfer.parts(of: node, partBytes: 4_096)
        let busy = try importer()
        try busy.issue("anna", using: &random)
        #expect(code { try Transfer.install(parts, in: busy) } == .notPermitted)
    }

    @Test func aStateThatIsNotWhatItsDigestSaysIsRefused() throws {
        let (node, _) = try exporter(6)
        guard let index = node.states.keys.first else { return }
        node.box(index).state.tally.digest.low &+= 1
        #expect(try outcome(try Transfer.parts(of: node, partBytes: 4_096)) == .malformed)
    }

    @Test func anAccountThatIsAheadOfItsVectorIsRefused() throws {
        var generator = SeededGenerator(seed: 7)
        let node = try TransferNode(30, using: &generator)
        try node.issue("anna", using: &generator)
        let index = try node.replica.account(named: "anna")
        let copy = TransferNode(replica: try Replica(partition: PartitionID(7), id: ReplicaID(30)))
        let export = SnapshotExport(.everything, of: copy.replica)
        var parts = export
        parts.begin("anna", state: node.box(index).state, replica: copy.replica)
        var account = AccountExport(node.box(index).state.copy())
        while account.step(into: &parts) != .finished {}
        parts.finish()
        var list: [[UInt8]] = []
        while let part = parts.nextPart() { list.append(part) }
        #expect(try outcome(list) == .malformed)
    }
}
