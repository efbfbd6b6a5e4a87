// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension PeerMessage {
    /// Reads a message: the type byte and the payload, without the length in front.
    ///
    /// - Parameter bytes: exactly one message, at most ``ReplicationLimits/maximumMessageBytes``.
    /// - Throws: `unsupportedVersion` for a greeting of another version, `limitExceeded` if a named limit is exceeded,
    ///   `malformed` for any other bytes that are no message.
    /// - Complexity: O(bytes).
    public init(decoding bytes: RawSpan) throws(CRDTError) {
        guard bytes.byteCount <= ReplicationLimits.maximumMessageBytes else {
            throw CRDTError(
                .limitExceeded,
                "a message has at most \(ReplicationLimits.maximumMessageBytes) bytes, got \(bytes.byteCount)")
        }
        var offset = 0
        let code = try WireReader.byte(bytes, &offset)
        guard let type = PeerMessageType(rawValue: code) else {
            throw CRDTError(.malformed, "message type \(code) is not known")
        }
        self = try Self.payload(type, bytes, &offset)
        guard offset == bytes.byteCount else {
            throw CRDTError(.malformed, "\(bytes.byteCount - offset) bytes follow a message of type \(code)")
        }
    }

    private static func payload(
        _ type: PeerMessageType, _ bytes: RawSpan, _ offset: inout Int
    ) throws(CRDTError) -> PeerMessage {
        switch type {
        case .hello: return .hello(try PeerWire.greeting(bytes, &offset))
        case .welcome: return .welcome(try PeerWire.greeting(bytes, &offset))
        case .refuse:
            let code = RefusalReason.Code(rawValue: try WireReader.byte(bytes, &offset))
            return .refuse(RefusalReason(code, try PeerWire.text(bytes, &offset)))
        case .subscribe: return .subscribe(try PeerWire.positions(bytes, &offset))
        case .frames: return .frames(PeerWire.rest(bytes, &offset))
        case .framePiece:
            let size = try WireReader.varint(bytes, &offset)
            let start = try WireReader.varint(bytes, &offset)
            return .framePiece(size: size, offset: start, bytes: PeerWire.rest(bytes, &offset))
        case .acknowledge:
            let consumed = try WireReader.varint(bytes, &offset)
            return .acknowledge(consumed: consumed, durable: try PeerWire.positions(bytes, &offset))
        case .presence: return .presence(try PeerWire.presence(bytes, &offset))
        case .body, .want, .bodyChunk, .bodyAbsent: return try bodyPayload(type, bytes, &offset)
        case .snapshotRequest, .snapshotPart, .snapshotCredit, .snapshotAbort:
            return try snapshotPayload(type, bytes, &offset)
        case .digestRequest:
            let name = try PeerWire.text(bytes, &offset, atMost: ReplicationLimits.maximumNameBytes)
            return .digestRequest(after: name.isEmpty ? nil : name)
        case .digests: return .digests(try PeerWire.page(bytes, &offset))
        }
    }

    private static func bodyPayload(
        _ type: PeerMessageType, _ bytes: RawSpan, _ offset: inout Int
    ) throws(CRDTError) -> PeerMessage {
        let digest = try PeerWire.digest(bytes, &offset)
        if type == .bodyAbsent { return .bodyAbsent(digest) }
        if type == .body {
            return .body(
                digest, bytes: try PeerWire.rest(bytes, &offset, atMost: ReplicationLimits.maximumPushedBodyBytes))
        }
        let first = try WireReader.varint(bytes, &offset)
        let second = try WireReader.varint(bytes, &offset)
        if type == .want {
            guard second <= ReplicationLimits.maximumWantBytes else {
                throw CRDTError(
                    .limitExceeded, "a want is for at most \(ReplicationLimits.maximumWantBytes) octets, got \(second)")
            }
            return .want(digest, offset: first, length: second)
        }
        let octets = try PeerWire.rest(bytes, &offset, atMost: ReplicationLimits.maximumChunkBytes)
        let (end, overflow) = second.addingReportingOverflow(UInt64(octets.count))
        guard !overflow && end <= first else { throw CRDTError(.malformed, "a chunk ends behind its body's end") }
        return .bodyChunk(digest, size: first, offset: second, bytes: octets)
    }

    private static func snapshotPayload(
        _ type: PeerMessageType, _ bytes: RawSpan, _ offset: inout Int
    ) throws(CRDTError) -> PeerMessage {
        let transfer = try PeerWire.transfer(bytes, &offset)
        switch type {
        case .snapshotPart:
            let index = try WireReader.varint(bytes, &offset)
            let isLast = try PeerWire.flag(bytes, &offset)
            let octets = try PeerWire.rest(bytes, &offset, atMost: ReplicationLimits.maximumPartBytes)
            return .snapshotPart(transfer, SnapshotPart(index: index, isLast: isLast, bytes: octets))
        case .snapshotAbort: return .snapshotAbort(transfer, try PeerWire.text(bytes, &offset))
        case .snapshotRequest:
            let name = try PeerWire.text(bytes, &offset, atMost: ReplicationLimits.maximumNameBytes)
            let next = try WireReader.varint(bytes, &offset)
            let credit = try WireReader.varint(bytes, &offset)
            return .snapshotRequest(
                transfer, name.isEmpty ? .everything : .account(name), nextPart: next, credit: credit)
        case .hello, .welcome, .refuse, .subscribe, .frames, .framePiece, .body, .acknowledge, .presence, .want,
            .bodyChunk, .bodyAbsent, .snapshotCredit, .digestRequest, .digests:
            let next = try WireReader.varint(bytes, &offset)
            return .snapshotCredit(transfer, nextPart: next, credit: try WireReader.varint(bytes, &offset))
        }
    }
}
