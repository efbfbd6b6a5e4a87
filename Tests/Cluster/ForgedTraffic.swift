// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Glibc

/// What a bad peer says when it plays the worker `us-worker` of a ``ClusterPlan`` with the regions eu and us.
struct ForgedTraffic {
    /// The first 32 bits of the SHA-256 of the group's name, `users`.
    static let partition = PartitionID(0x7dfb_4cf6)
    static let members = ["eu-worker", "storage", "us-worker"].enumerated().map {
        GroupMember(name: $0.element, stripe: UInt8($0.offset))
    }

    static var wallMilliseconds: UInt64 { UInt64(time(nil)) * 1_000 }

    let replica: ReplicaID

    init() throws { replica = ReplicaID(UInt64.random(in: 1 ... .max >> 16), incarnation: 1) }

    func greeting(node: String = "us-worker") -> PeerGreeting {
        let group = GroupDescription(
            group: ClusterPlan.group, partition: Self.partition, node: node, members: Self.members,
            settings: ["HierarchySeparator": ".", "WindowBytes": "1048576"])
        return PeerGreeting(
            group: group.group, partition: group.partition, node: node, replica: replica,
            fingerprint: group.fingerprint, members: group.members,
            presence: PeerPresence(
                durable: [], logStart: [], wallMilliseconds: Self.wallMilliseconds,
                newestOwnTimestamp: HybridTimestamp(rawValue: 0)))
    }

    static func bytes(_ message: PeerMessage) -> [UInt8] {
        var bytes: [UInt8] = []
        message.encode(into: &bytes)
        return bytes
    }

    /// A greeting as it should be, changed as the test wants.
    func hello(node: String = "us-worker", _ change: (inout PeerGreeting) -> Void = { _ in }) -> [UInt8] {
        var greeting = greeting(node: node)
        change(&greeting)
        return Self.bytes(.hello(greeting))
    }

    /// A frame in which alice gets a mailbox, issued at a time.
    func frame(at milliseconds: UInt64) throws -> [UInt8] {
        var sender = try Replica(partition: Self.partition, id: replica)
        let account = try sender.account(named: "alice")
        let point = sender.begin(nowMilliseconds: milliseconds)
        let dot = Dot(point.replica, point.firstCounter)
        let create = Operation(
            dot: dot, timestamp: point.timestamp, account: account,
            body: .create(mailbox: MailboxID(dot), name: "forged", uidValidity: 7, use: .none))
        return try sender.seal([create], issuedAt: point).flatMap { Self.envelope($0) }
    }

    /// An envelope with a right checksum round anything.
    static func envelope(_ payload: [UInt8], version: UInt8 = FrameEnvelope.version) -> [UInt8] {
        var bytes: [UInt8] = []
        let start = FrameEnvelope.begin(kind: .operations, in: &bytes)
        bytes[start + 8] = version
        bytes += payload
        FrameEnvelope.finish(start, in: &bytes)
        return bytes
    }
}
