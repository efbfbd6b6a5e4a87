// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import CRDTKit

/// The bytes of messages between peers.
@Suite struct PeerMessageTests {
    static let one = ReplicaID(0x0102_0304_0506_0708)
    static let two = ReplicaID(0xffff_ffff_ffff_fff0, incarnation: 9)
    static let digest = BodyDigest(words: (1, 2, 3, UInt64.max))
    static let vector = [StreamPosition(origin: one, counter: 300), StreamPosition(origin: two, counter: 1)]
    static let presence = PeerPresence(
        durable: vector, logStart: [StreamPosition(origin: two, counter: 1)], wallMilliseconds: 1_700_000_000_123,
        newestOwnTimestamp: HybridTimestamp(milliseconds: 1_700_000_000_000), backlogBytes: 70_000,
        digest: StateDigest(low: 5, high: 6), isWritable: false)
    static let greeting = PeerGreeting(
        group: "users 1-40", partition: PartitionID(77), node: "worker-1", replica: one, fingerprint: 0xfeed,
        members: [GroupMember(name: "storage", stripe: 0), GroupMember(name: "worker-1", stripe: 1)],
        partialSettings: ["UserStart": "1", "UserEnd": "40"], presence: presence)
    static let transfer = TransferID(receiver: two, number: 1_700_000_000_001)
    static let page = DigestPage(
        vector: vector,
        entries: [
            AccountDigest(account: "\u{0}group", digest: StateDigest(low: 1, high: 2)),
            AccountDigest(account: "anna", digest: StateDigest(low: 3, high: 4)),
        ], isLast: false)

    /// One message of every sort at least, and whether a prefix of it may be a message, too.
    static let samples: [(message: PeerMessage, endsInBytes: Bool)] = [
        (.hello(greeting), false),
        (.welcome(greeting), false),
        (.refuse(RefusalReason(.otherConfiguration, "the separators differ")), false),
        (.refuse(RefusalReason(.init(rawValue: 200), "")), false),
        (.subscribe([StreamPosition(origin: one, counter: 0), StreamPosition(origin: two, counter: 7)]), false),
        (.frames([1, 2, 3, 4]), true),
        (.framePiece(size: 3_000_000, offset: 1_000_000, bytes: [9, 8, 7]), true),
        (.body(digest, bytes: Array("Subject: x\r\n\r\n".utf8)), true),
        (.acknowledge(consumed: 1 << 40, durable: vector), false),
        (.acknowledge(consumed: 0, durable: []), false),
        (.presence(presence), false),
        (.want(digest, offset: 1 << 33, length: 262_144), false),
        (.bodyChunk(digest, size: 1 << 33, offset: 65_536, bytes: [1, 2, 3]), true),
        (.bodyAbsent(digest), false),
        (.snapshotRequest(transfer, .everything, nextPart: 5, credit: 9), false),
        (.snapshotRequest(transfer, .account("anna"), nextPart: 0, credit: 4), false),
        (.snapshotPart(transfer, SnapshotPart(index: 3, isLast: true, bytes: [1, 2])), true),
        (.snapshotCredit(transfer, nextPart: 4, credit: 8), false),
        (.snapshotAbort(transfer, "busy"), false),
        (.digestRequest(after: nil), false),
        (.digestRequest(after: "anna"), false),
        (.digests(page), false),
        (.digests(nil), false),
    ]

    static func bytes(_ message: PeerMessage) -> [UInt8] {
        var bytes: [UInt8] = []
        message.encode(into: &bytes)
        return bytes
    }

    static func decode(_ bytes: [UInt8]) throws(CRDTError) -> PeerMessage {
        let span = bytes.span
        return try PeerMessage(decoding: span.bytes)
    }

    @Test func everyMessageComesBack() throws {
        for sample in Self.samples {
            let bytes = Self.bytes(sample.message)
            let length = bytes[..<4].reduce(0) { $0 << 8 | Int($1) }
            #expect(length == bytes.count - 4)
            #expect(try Self.decode(Array(bytes[4...])) == sample.message)
        }
    }

    @Test func truncatedMessagesAreErrors() {
        for sample in Self.samples where !sample.endsInBytes {
            let bytes = Array(Self.bytes(sample.message)[4...])
            for count in 0..<bytes.count {
                let error = code { _ = try Self.decode(Array(bytes[..<count])) }
                #expect(error == .malformed, "\(sample.message) cut at \(count)")
            }
            #expect(code { _ = try Self.decode(bytes + [0]) } == .malformed)
        }
    }

    @Test func messagesThatEndInBytesNeverTrapWhenCut() {
        for sample in Self.samples where sample.endsInBytes {
            let bytes = Array(Self.bytes(sample.message)[4...])
            for count in 0..<bytes.count { _ = try? Self.decode(Array(bytes[..<count])) }
        }
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func mutatedMessagesNeverTrap(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2_000 {
            guard let sample = Self.samples.randomElement(using: &generator) else { return }
            var bytes = Array(Self.bytes(sample.message)[4...])
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let position = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[position] = UInt8(truncatingIfNeeded: generator.next())
                case 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 2: bytes.insert(0xff, at: position)
                default: if bytes.count > 1 { bytes.remove(at: position) }
                }
            }
            // What is still a message must survive the way back.
            if let message = try? Self.decode(bytes) {
                #expect((try? Self.decode(Array(Self.bytes(message)[4...]))) == message, "seed \(seed)")
            }
        }
    }

    @Test func futureVersionsAreNamed() {
        var bytes = Array(Self.bytes(.hello(Self.greeting))[4...])
        bytes[1] = UInt8(ReplicationLimits.protocolVersion + 1)
        #expect(code { _ = try Self.decode(bytes) } == .unsupportedVersion)
    }

    @Test func claimsAreNotBelieved() {
        // 4,096 entries in three bytes; a page of 1,024 accounts in none.
        #expect(code { _ = try Self.decode([4, 0x80, 0x20]) } == .malformed)
        #expect(code { _ = try Self.decode([4, 0x81, 0x20]) } == .limitExceeded)
        #expect(code { _ = try Self.decode([18, 1, 0, 1, 0x80, 0x08]) } == .malformed)
        #expect(code { _ = try Self.decode([]) } == .malformed)
        #expect(code { _ = try Self.decode([0]) } == .malformed)
        #expect(code { _ = try Self.decode([99, 1, 2]) } == .malformed)
        let large = [UInt8](repeating: 5, count: ReplicationLimits.maximumMessageBytes + 1)
        #expect(code { _ = try Self.decode(large) } == .limitExceeded)
    }

    @Test func partsBeyondTheirLimitsAreRefused() {
        let chunk = [UInt8](repeating: 0, count: ReplicationLimits.maximumChunkBytes + 1)
        let message = PeerMessage.bodyChunk(Self.digest, size: 1 << 20, offset: 0, bytes: chunk)
        #expect(code { _ = try Self.decode(Array(Self.bytes(message)[4...])) } == .limitExceeded)
        let part = [UInt8](repeating: 0, count: ReplicationLimits.maximumPartBytes + 1)
        let snapshot = PeerMessage.snapshotPart(Self.transfer, SnapshotPart(index: 0, isLast: false, bytes: part))
        #expect(code { _ = try Self.decode(Array(Self.bytes(snapshot)[4...])) } == .limitExceeded)
        let beyond = PeerMessage.bodyChunk(Self.digest, size: 3, offset: 2, bytes: [1, 2])
        #expect(code { _ = try Self.decode(Array(Self.bytes(beyond)[4...])) } == .malformed)
    }

    @Test func unorderedVectorsAndPagesAreRefused() {
        let swapped = PeerMessage.subscribe(Self.vector.reversed())
        #expect(code { _ = try Self.decode(Array(Self.bytes(swapped)[4...])) } == .malformed)
        let page = DigestPage(vector: [], entries: Self.page.entries.reversed(), isLast: true)
        #expect(code { _ = try Self.decode(Array(Self.bytes(.digests(page))[4...])) } == .malformed)
    }

    @Test func settingsOutOfOrderOrTooManyAreRefused() throws {
        func bytes(_ settings: [(String, String)], count: Int? = nil) -> [UInt8] {
            var bytes: [UInt8] = []
            WireWriter.put(count: count ?? settings.count, into: &bytes)
            for (name, value) in settings {
                WireWriter.put(name, into: &bytes)
                WireWriter.put(value, into: &bytes)
            }
            return bytes
        }
        func read(_ bytes: [UInt8]) throws(CRDTError) -> [String: String] {
            var offset = 0
            let span = bytes.span
            return try PeerWire.settings(span.bytes, &offset)
        }
        #expect(try read(bytes([("a", "1"), ("b", "2")])) == ["a": "1", "b": "2"])
        #expect(code { _ = try read(bytes([("b", "2"), ("a", "1")])) } == .malformed)
        #expect(code { _ = try read(bytes([("a", "1"), ("a", "2")])) } == .malformed)
        #expect(code { _ = try read(bytes([("a", "1")], count: 2)) } == .malformed)
        #expect(code { _ = try read(bytes([], count: ReplicationLimits.maximumSettings + 1)) } == .limitExceeded)
    }

    @Test func longTextsAreCutAtACharacter() throws {
        let text = String(repeating: "ä", count: 2_000)
        let sent = try Self.decode(Array(Self.bytes(.refuse(RefusalReason(.fork, text)))[4...]))
        #expect(sent == .refuse(RefusalReason(.fork, String(repeating: "ä", count: 512))))
    }
}
