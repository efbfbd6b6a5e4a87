// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// An account's state behind a reference: a dictionary cannot hold a noncopyable value.
final class AccountBox {
    var state: AccountState
    /// Forked mailboxes that this replica is to merge.
    var forks: [MailboxID: ForkSighting] = [:]

    init(_ state: consuming AccountState) { self.state = state }
}

/// Bodies in a world without SHA-256: their digest is a hash that is good enough for tests.
enum SimulatedBody {
    static func digest(_ bytes: [UInt8]) -> BodyDigest {
        BodyDigest(
            words: (
                StableHash.hash(bytes), StableHash.hash(bytes + [1]), StableHash.hash(bytes + [2]), UInt64(bytes.count)
            ))
    }

    /// The frames of a body as the mail store writes them.
    static func frames(_ bytes: [UInt8], _ digest: BodyDigest, upload: UInt64, into log: inout [UInt8]) {
        for start in stride(from: 0, to: max(bytes.count, 1), by: 128 << 10) {
            let frame = FrameEnvelope.begin(kind: .bodyChunk, in: &log)
            LogBytes.append(upload, to: &log)
            LogBytes.append(UInt64(start), to: &log)
            log += bytes[start..<min(bytes.count, start + 128 << 10)]
            FrameEnvelope.finish(frame, in: &log)
        }
        let frame = FrameEnvelope.begin(kind: .bodyEnd, in: &log)
        LogBytes.append(upload, to: &log)
        LogBytes.append(UInt64(bytes.count), to: &log)
        log += digest.bytes
        FrameEnvelope.finish(frame, in: &log)
    }

    /// Takes in a frame of a body that recovery reads.
    static func recover(
        _ kind: FrameKind, _ payload: [UInt8], _ uploads: inout [UInt64: [UInt8]],
        _ bodies: inout [BodyDigest: [UInt8]]
    ) {
        guard payload.count >= 16 else { return }
        let upload = LogBytes.uint64(payload.span.bytes, at: 0)
        if kind == .bodyChunk {
            uploads[upload, default: []] += payload[16...]
        } else if let digest = BodyDigest(payload[16...]), let bytes = uploads.removeValue(forKey: upload),
            self.digest(bytes) == digest
        {
            bodies[digest] = bytes
        }
    }
}
