// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// What must hold of envelope, decoder, causal delivery and effectors whatever a peer sends.
///
/// An input is a run of blocks: one byte that says how the block is delivered, its length as two little-endian bytes, and
/// a payload of an operation frame.
package enum FrameProperty {
    private static let partition = PartitionID(7)
    private static let now: UInt64 = 1_700_000_000_000

    /// Checks one run of payloads.
    ///
    /// - Parameter input: the blocks.
    /// - Returns: what is wrong; nil when all is well.
    package static func violation(in input: [UInt8]) -> String? {
        if let problem = envelopeViolation(input) { return problem }
        do throws(CRDTError) {
            return try deliveryViolation(input)
        } catch {
            return "a replica for the check cannot be made: \(error)"
        }
    }

    /// What an envelope's reader accepts is what the writer makes of the payload.
    private static func envelopeViolation(_ input: [UInt8]) -> String? {
        let bytes = input.span.bytes
        if case .frame(let kind, _, let payload, let end) = FrameEnvelope.read(bytes, at: 0) {
            var again: [UInt8] = []
            FrameEnvelope.append(kind: kind, payload: bytes.extracting(payload), to: &again)
            if again != Array(input[..<end]) { return "an envelope has two forms" }
        }
        var frame: [UInt8] = []
        FrameEnvelope.append(kind: .operations, payload: bytes, to: &frame)
        let read = frame.span
        let expected = FrameReadResult.frame(
            kind: .operations, version: FrameEnvelope.version,
            payload: FrameEnvelope.headerBytes..<frame.count, end: frame.count)
        return FrameEnvelope.read(read.bytes, at: 0) == expected ? nil : "a written envelope is not read"
    }

    private static func deliveryViolation(_ input: [UInt8]) throws(CRDTError) -> String? {
        var limits = ReplicaLimits()
        limits.buffer.maximumFrames = 6
        limits.buffer.maximumBytes = 4_096
        limits.maximumStrangers = 3
        limits.symbols.maximumAccounts = 12
        limits.symbols.maximumKeywords = 12
        limits.symbols.maximumIntroducedKeywords = 8
        var replica = try Replica(partition: partition, id: ReplicaID(1), limits: limits)
        var state = AccountState()
        var blocks = PropertyInput(input)
        var blockCount = 0
        while !blocks.isEmpty, blockCount < 24 {
            blockCount += 1
            let isRecovery = blocks.byte() & 1 == 1
            let payload = blocks.block()
            let before = Fingerprint(replica)
            do throws(CRDTError) {
                let result =
                    isRecovery ? try replica.recover(payload) : try replica.receive(payload, nowMilliseconds: now)
                if case .delivered(let frames, _) = result {
                    for frame in frames { apply(frame, replica, to: &state) }
                    if let problem = state.checkInvariants() { return problem }
                    guard case .duplicate = try replica.recover(payload) else { return "a frame is delivered twice" }
                }
            } catch {
                if Fingerprint(replica) != before { return "a refused frame has changed the replica: \(error)" }
            }
            try replica.checkInvariants()
        }
        if let problem = try restoreViolation(&replica, &state, limits) { return problem }
        return try reencodingViolation(input)
    }

    private static func apply(
        _ frame: DecodedFrame, _ replica: borrowing Replica, to state: inout AccountState
    ) {
        let context = ApplyContext(
            past: frame.past, replicas: replica.replicas.ids, replicaHashes: replica.replicas.hashes,
            keywordHashes: replica.symbols.keywordHashes)
        var changes: StateChanges = []
        state.apply(frame.operations, context: context, changes: &changes)
    }

    /// Checkpoint and snapshot bring back the replica and the account as they were.
    private static func restoreViolation(
        _ replica: inout Replica, _ state: inout AccountState, _ limits: ReplicaLimits
    ) throws(CRDTError) -> String? {
        let before = Fingerprint(replica, withoutBuffer: true)
        let restored = try Replica(checkpoint: replica.checkpoint(.everything), limits: limits)
        try restored.checkInvariants()
        if Fingerprint(restored, withoutBuffer: true) != before { return "a checkpoint changes the replica" }
        let context = ApplyContext(
            past: replica.delivered, replicas: replica.replicas.ids, replicaHashes: replica.replicas.hashes,
            keywordHashes: replica.symbols.keywordHashes)
        if state.recomputedDigest(context: context) != state.digest { return "the digest is not that of the state" }
        return try RecordProperty.reloadViolation(state, context: context)
    }

    /// The operations of a first frame, encoded by a fresh replica of its origin, decode to the same operations.
    private static func reencodingViolation(_ input: [UInt8]) throws(CRDTError) -> String? {
        var blocks = PropertyInput(input)
        _ = blocks.byte()
        let payload = blocks.block()
        let header: FrameHeader
        do throws(CRDTError) {
            header = try FrameHeader(decoding: payload.span.bytes)
        } catch {
            return nil
        }
        guard header.origin.rawValue != 0, header.origin.incarnation != 0 else { return nil }
        var first = try Replica(partition: header.partition, id: header.origin)
        var operations: [Operation] = []
        do throws(CRDTError) {
            guard case .delivered(let frames, _) = try first.recover(payload) else { return nil }
            operations = frames.flatMap(\.operations)
        } catch {
            return nil  // Not a first frame, or a wrong one.
        }
        guard let last = operations.last, last.timestamp.milliseconds < 1 << 47 else { return nil }
        var second = try Replica(partition: first.partition, id: first.id)
        for id in first.replicas.ids.dropFirst() { _ = try second.replica(id) }
        for index in 0..<first.symbols.accountCount {
            guard let name = first.symbols.name(of: AccountIndex(UInt32(index))) else {
                return "an account has no name"
            }
            _ = try second.account(named: name)
        }
        for index in 0..<first.symbols.keywordCount {
            guard let name = first.symbols.name(of: KeywordIndex(UInt16(index))) else { return "a keyword has no name" }
            _ = try second.keyword(named: name)
        }
        let point = second.begin(nowMilliseconds: last.timestamp.milliseconds + 1)
        var third = try Replica(partition: first.partition, id: first.id)
        var decoded: [Operation] = []
        for payload in try second.seal(operations, issuedAt: point) {
            guard case .delivered(let frames, _) = try third.recover(payload) else { return "an own frame is refused" }
            decoded += frames.flatMap(\.operations)
        }
        let wanted = operations.map { GlobalOperation.text($0, first) }
        return decoded.map { GlobalOperation.text($0, third) } == wanted ? nil : "encoding again changes an operation"
    }

    /// What a refused frame must leave alone.
    private struct Fingerprint: Equatable {
        let delivered: VersionVector
        let counts: [Int]
        let clock: HybridTimestamp
        let contexts: [VersionVector]

        init(_ replica: borrowing Replica, withoutBuffer: Bool = false) {
            delivered = replica.delivered
            let buffer = withoutBuffer ? [] : [replica.waitingFrames, replica.waitingBytes]
            counts = [replica.replicas.count, replica.symbols.accountCount, replica.symbols.keywordCount] + buffer
            clock = replica.clock.latest
            contexts = (0...replica.replicas.count).map { replica.context(of: ReplicaIndex(UInt16($0))) }
        }
    }
}
