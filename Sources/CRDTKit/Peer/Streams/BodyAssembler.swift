// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Puts small bodies together that lie in the log in front of the frame that needs them (`docs/log.md`, body frames).
///
/// The pieces of a small body are neighbours, so one upload at a time is enough. What cannot be put together is left
/// out: the peer asks for it.
struct BodyAssembler: Sendable {
    /// The most bytes of whole bodies that wait for their frame.
    let maximumBytes: Int
    /// The bodies since the last frame of operations.
    private(set) var ready: [(digest: BodyDigest, bytes: [UInt8])] = []
    private(set) var readyBytes = 0
    private var upload: UInt64?
    private var bytes: [UInt8] = []

    init(maximumBytes: Int) { self.maximumBytes = maximumBytes }

    /// Takes the payload of a frame of kind `bodyChunk`.
    mutating func chunk(_ payload: RawSpan) {
        var offset = 0
        guard let upload = Self.number(payload, &offset), let start = Self.number(payload, &offset) else {
            return drop()
        }
        if start == 0 {
            drop()
            self.upload = upload
        }
        let count = payload.byteCount - offset
        guard self.upload == upload, start == UInt64(bytes.count),
            bytes.count + count <= ReplicationLimits.maximumPushedBodyBytes
        else { return drop() }
        payload.extracting(offset..<payload.byteCount).withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    /// Takes the payload of a frame of kind `bodyEnd`.
    mutating func end(_ payload: RawSpan) {
        defer { drop() }
        var offset = 0
        guard let upload = Self.number(payload, &offset), let size = Self.number(payload, &offset),
            payload.byteCount - offset == 32, let digest = try? PeerWire.digest(payload, &offset)
        else {
            // The log's own frames are whole; one that is not is simply not pushed.
            return
        }
        let isWhole = size == UInt64(bytes.count) && (size == 0 || self.upload == upload)
        guard isWhole && readyBytes + bytes.count <= maximumBytes else { return }
        readyBytes += bytes.count
        ready.append((digest, bytes))
    }

    /// Gives out the bodies that lie in front of a frame of operations.
    mutating func take() -> [(digest: BodyDigest, bytes: [UInt8])] {
        defer { discard() }
        return ready
    }

    /// Forgets the bodies in front of a frame that is not sent.
    mutating func discard() {
        ready.removeAll()
        readyBytes = 0
        drop()
    }

    private mutating func drop() {
        upload = nil
        bytes = []
    }

    private static func number(_ bytes: RawSpan, _ offset: inout Int) -> UInt64? {
        // Nil says what the error would say: the payload is too short.
        try? WireReader.fixed64(bytes, &offset)
    }
}
