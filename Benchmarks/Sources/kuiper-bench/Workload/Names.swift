// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit

extension ApplyContext {
    /// The names of some replicas, by indexes from 1, as the table of a replica that has heard of them in this order has them.
    static func naming(_ replicas: ClosedRange<Int>) throws -> ApplyContext {
        var table = ReplicaTable()
        for number in replicas { _ = try table.intern(ReplicaID(UInt64(number))) }
        return ApplyContext(
            past: VersionVector(), replicas: table.ids, replicaHashes: table.hashes, keywordHashes: [])
    }
}
