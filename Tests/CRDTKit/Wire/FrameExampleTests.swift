// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit

/// The worked example of `docs/frame.md`, byte for byte.
@Suite struct FrameExampleTests {
    /// The payload as the page shows it.
    private static let page = """
        02 07 ef cd ab 89 67 45 23 01 01 01 05 00 00 f4 69 e5 cf 8b 01 00 03 03 02 22 22 00 00 00 00 00 \
        00 01 01 00 04 61 6e 6e 61 02 00 05 24 4a 75 6e 6b 01 02 05 01 00 03 04 57 6f 72 6b ac 02 00 74 \
        81 01 00 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c \
        1d 1e 1f d2 09 00 78 05 fa 87 bf aa 19 76 05 04 80 01 00 15 04 0a 05 32
        """

    private func example() throws -> [UInt8] {
        var node = try Replica(partition: PartitionID(7), id: ReplicaID(0x0123_4567_89ab_cdef))
        let peer = try TestNode(0x2222)
        peer.now = 1_700_000_000_000
        _ = try node.receive(try peer.issue(count: 5), nowMilliseconds: peer.now)
        let account = try node.account(named: "anna")
        let junk = try node.keyword(named: "$Junk")
        let point = node.begin(nowMilliseconds: 1_700_000_000_500)
        let own = point.replica
        let box = MailboxID(Dot(own, 1))
        let digest = try #require(BodyDigest(Array(0..<32)))
        let facts = MessageFacts(
            body: digest, size: 1_234, internalDateSeconds: 1_700_000_000, internalDateZoneMinutes: 60)
        let bodies: [OperationBody] = [
            .create(mailbox: box, name: "Work", uidValidity: 300, use: .none),
            .append(
                mailbox: box, facts: facts, flags: FlagSet(.seen, keywords: [junk]),
                assignment: UIDAssignment(uid: 1, epoch: UIDEpoch(number: 1, owner: node.id))),
            .store(
                mailbox: box, message: Dot(own, 2), adding: FlagSet(.flagged), removing: FlagSet([], keywords: [junk])),
            .expunge(mailbox: .inbox, message: Dot(ReplicaIndex(2), 5)),
            .delete(mailbox: .inbox),
        ]
        let operations = bodies.enumerated().map { position, body in
            Operation(dot: Dot(own, UInt64(position) + 1), timestamp: point.timestamp, account: account, body: body)
        }
        return try node.seal(operations, issuedAt: point)[0]
    }

    @Test func theExampleOfThePageIsWhatTheEncoderWrites() throws {
        let payload = try example()
        let hexadecimal = payload.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
        #expect(hexadecimal == Self.page)
    }

    @Test func theExampleOfThePageDecodes() throws {
        let payload = Self.page.split(whereSeparator: \.isWhitespace).compactMap { UInt8($0, radix: 16) }
        let header = try FrameHeader(decoding: payload.span.bytes)
        #expect(header.origin == ReplicaID(0x0123_4567_89ab_cdef) && header.partition == PartitionID(7))
        #expect(header.firstCounter == 1 && header.lastCounter == 5)
        let reader = try TestNode(0x3333)
        let peer = try TestNode(0x2222)
        let early = Verdict(try reader.receive(payload))
        let released = Verdict(try reader.receive(try peer.issue(count: 5)))
        #expect(early == .waiting && released == .delivered(10))
    }
}
