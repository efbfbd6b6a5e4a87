// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The bytes that tell messages apart.
enum PeerMessageType: UInt8 {
    case hello = 1
    case welcome = 2
    case refuse = 3
    case subscribe = 4
    case frames = 5
    case framePiece = 6
    case body = 7
    case acknowledge = 8
    case presence = 9
    case want = 10
    case bodyChunk = 11
    case bodyAbsent = 12
    case snapshotRequest = 13
    case snapshotPart = 14
    case snapshotCredit = 15
    case snapshotAbort = 16
    case digestRequest = 17
    case digests = 18
}

extension PeerMessage {
    /// The bytes in front of the type: the length.
    public static let lengthBytes = 4

    /// Appends the message as it travels, the length in front: `u32 length (big-endian) | u8 type | payload`.
    ///
    /// - Parameter bytes: the buffer that grows by the message.
    /// - Complexity: O(bytes of the message).
    public func encode(into bytes: inout [UInt8]) {
        let start = bytes.count
        bytes.reserveCapacity(start + sizeEstimate)
        bytes.append(contentsOf: [0, 0, 0, 0])
        put(&bytes)
        let length = UInt32(truncatingIfNeeded: bytes.count - start - Self.lengthBytes)
        for position in 0..<Self.lengthBytes {
            bytes[start + position] = UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * position))
        }
    }

    /// About as many bytes as the encoded message has, and not fewer for messages that carry bytes.
    private var sizeEstimate: Int {
        switch self {
        case .frames(let bytes), .framePiece(_, _, let bytes), .body(_, let bytes), .bodyChunk(_, _, _, let bytes):
            bytes.count + 80
        case .snapshotPart(_, let part): part.bytes.count + 80
        case .hello, .welcome, .refuse, .subscribe, .acknowledge, .presence, .want, .bodyAbsent, .snapshotRequest,
            .snapshotCredit, .snapshotAbort, .digestRequest, .digests:
            128
        }
    }

    private func put(_ bytes: inout [UInt8]) {
        switch self {
        case .hello(let greeting):
            bytes.append(PeerMessageType.hello.rawValue)
            PeerWire.put(greeting, &bytes)
        case .welcome(let greeting):
            bytes.append(PeerMessageType.welcome.rawValue)
            PeerWire.put(greeting, &bytes)
        case .refuse(let reason):
            bytes.append(PeerMessageType.refuse.rawValue)
            bytes.append(reason.code.rawValue)
            PeerWire.put(text: reason.text, &bytes)
        case .subscribe(let positions):
            bytes.append(PeerMessageType.subscribe.rawValue)
            PeerWire.put(positions, &bytes)
        case .frames(let frames):
            bytes.append(PeerMessageType.frames.rawValue)
            bytes.append(contentsOf: frames)
        case .framePiece(let size, let offset, let piece):
            bytes.append(PeerMessageType.framePiece.rawValue)
            WireWriter.put(size, into: &bytes)
            WireWriter.put(offset, into: &bytes)
            bytes.append(contentsOf: piece)
        case .acknowledge(let consumed, let durable):
            bytes.append(PeerMessageType.acknowledge.rawValue)
            WireWriter.put(consumed, into: &bytes)
            PeerWire.put(durable, &bytes)
        case .presence(let presence):
            bytes.append(PeerMessageType.presence.rawValue)
            PeerWire.put(presence, &bytes)
        case .body, .want, .bodyChunk, .bodyAbsent: putBody(&bytes)
        case .snapshotRequest, .snapshotPart, .snapshotCredit, .snapshotAbort: putSnapshot(&bytes)
        case .digestRequest(let after):
            bytes.append(PeerMessageType.digestRequest.rawValue)
            PeerWire.put(text: after ?? "", &bytes)
        case .digests(let page):
            bytes.append(PeerMessageType.digests.rawValue)
            PeerWire.put(page, &bytes)
        }
    }

    private func putBody(_ bytes: inout [UInt8]) {
        switch self {
        case .body(let digest, let octets):
            bytes.append(PeerMessageType.body.rawValue)
            bytes.append(contentsOf: digest.bytes)
            bytes.append(contentsOf: octets)
        case .want(let digest, let offset, let length):
            bytes.append(PeerMessageType.want.rawValue)
            bytes.append(contentsOf: digest.bytes)
            WireWriter.put(offset, into: &bytes)
            WireWriter.put(length, into: &bytes)
        case .bodyChunk(let digest, let size, let offset, let octets):
            bytes.append(PeerMessageType.bodyChunk.rawValue)
            bytes.append(contentsOf: digest.bytes)
            WireWriter.put(size, into: &bytes)
            WireWriter.put(offset, into: &bytes)
            bytes.append(contentsOf: octets)
        case .bodyAbsent(let digest):
            bytes.append(PeerMessageType.bodyAbsent.rawValue)
            bytes.append(contentsOf: digest.bytes)
        case .hello, .welcome, .refuse, .subscribe, .frames, .framePiece, .acknowledge, .presence, .snapshotRequest,
            .snapshotPart, .snapshotCredit, .snapshotAbort, .digestRequest, .digests:
            break
        }
    }

    private func putSnapshot(_ bytes: inout [UInt8]) {
        switch self {
        case .snapshotRequest(let transfer, let scope, let nextPart, let credit):
            bytes.append(PeerMessageType.snapshotRequest.rawValue)
            PeerWire.put(transfer, &bytes)
            switch scope {
            case .everything: PeerWire.put(text: "", &bytes)
            case .account(let name): PeerWire.put(text: name, &bytes)
            }
            WireWriter.put(nextPart, into: &bytes)
            WireWriter.put(credit, into: &bytes)
        case .snapshotPart(let transfer, let part):
            bytes.append(PeerMessageType.snapshotPart.rawValue)
            PeerWire.put(transfer, &bytes)
            WireWriter.put(part.index, into: &bytes)
            bytes.append(part.isLast ? 1 : 0)
            bytes.append(contentsOf: part.bytes)
        case .snapshotCredit(let transfer, let nextPart, let credit):
            bytes.append(PeerMessageType.snapshotCredit.rawValue)
            PeerWire.put(transfer, &bytes)
            WireWriter.put(nextPart, into: &bytes)
            WireWriter.put(credit, into: &bytes)
        case .snapshotAbort(let transfer, let text):
            bytes.append(PeerMessageType.snapshotAbort.rawValue)
            PeerWire.put(transfer, &bytes)
            PeerWire.put(text: text, &bytes)
        case .hello, .welcome, .refuse, .subscribe, .frames, .framePiece, .body, .acknowledge, .presence, .want,
            .bodyChunk, .bodyAbsent, .digestRequest, .digests:
            break
        }
    }
}
