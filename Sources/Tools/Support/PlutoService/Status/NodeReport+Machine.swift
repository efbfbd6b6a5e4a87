// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
package import MailStore

extension UIDReport {
    /// Translates what the store says about UIDs.
    ///
    /// - Parameter counts: The store's counts.
    package init(_ counts: UIDCounts) {
        self.init(
            epochs: [
                "takeOver": counts.takeOvers, "handOver": counts.handOvers, "merge": counts.merges,
                "all": counts.concurrency.epochs,
            ].filter { $0.value > 0 },
            greatestEpoch: UInt64(counts.concurrency.greatestEpoch), reissues: counts.concurrency.reissues,
            conflicts: counts.concurrency.conflicts)
    }
}

extension GroupReport {
    /// Translates what the replication machine says.
    ///
    /// - Parameters:
    ///   - status: The machine's status.
    ///   - uids: What the store says about UIDs, if it does.
    package init(_ status: GroupStatus, uids: UIDReport?) {
        self.init(
            group: status.group, replica: "\(status.replica)", isWritable: status.isWritable,
            peers: status.peers.map { PeerReport($0) },
            operations: Self.count(status.durable), stableOperations: Self.count(status.stable),
            missingBodies: status.missingBodies, isImporting: status.importing != nil, exports: status.exports,
            divergences: status.divergences, repairs: status.repairs, uids: uids)
    }

    /// Counters of an origin's operations count them, from 1.
    private static func count(_ positions: [StreamPosition]) -> UInt64 {
        positions.reduce(0) { $0 &+ UInt64($1.counter) }
    }
}

extension PeerReport {
    /// Translates what the replication machine says about a member.
    ///
    /// - Parameter peer: The member.
    init(_ peer: PeerStatus) {
        self.init(
            name: peer.name, replica: peer.replica.map { "\($0)" }, isReachable: peer.isReachable,
            isWritable: peer.isWritable,
            outgoing: peer.outgoing.rawValue, incoming: peer.incoming.rawValue,
            silentSeconds: peer.silentMilliseconds.map { Double($0) / 1_000 },
            behind: LagReport(
                operations: peer.sendLagOperations, bytes: peer.sendLagBytes,
                seconds: Double(peer.sendLagMilliseconds) / 1_000),
            ahead: LagReport(
                operations: peer.receiveLagOperations, bytes: peer.receiveLagBytes,
                seconds: Double(peer.receiveLagMilliseconds) / 1_000),
            clockLeadSeconds: Double(peer.clockLeadMilliseconds) / 1_000, refusals: peer.refusals,
            lastRefusal: peer.lastRefusal.map { "\($0)" })
    }
}
