// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// The replica that is sent the frames.
final class Reader {
    private var replica: Replica
    private var accounts = AccountTable()
    private var changes = StateChanges()
    private var ends: [Int] = []

    init() throws { replica = try Replica(partition: PartitionID(1), id: ReplicaID(0x5555_6666_7777_8888)) }

    /// The sum of the digests of the first accounts.
    func digest(of users: Int) -> UInt64 {
        var sum: UInt64 = 0
        for user in 0..<users { sum &+= accounts[AccountIndex(UInt32(user))].digest.low }
        return sum
    }

    /// Receives a frame and applies it.
    func take(_ payload: [UInt8]) throws {
        let result = try replica.receive(payload, nowMilliseconds: 1_780_000_000_000) { _ in true }
        guard case .delivered(let frames, let refused) = result, refused.isEmpty else {
            throw BenchFailure("a frame was not delivered at once: \(result)")
        }
        for frame in frames {
            let context = ApplyContext(
                past: frame.past, replicas: replica.replicas.ids, replicaHashes: replica.replicas.hashes,
                keywordHashes: replica.symbols.keywordHashes)
            accounts.apply(frame.operations, context: context, changes: &changes, ends: &ends)
            changes.removeAll()
            ends.removeAll(keepingCapacity: true)
        }
    }
}
