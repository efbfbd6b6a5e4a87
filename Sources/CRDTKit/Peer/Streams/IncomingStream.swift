// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What comes in on one link: frames and bodies that wait for the store, and the window.
///
/// While the store takes one batch, the next one gathers: batches are as large as the store is slow, and bounded by the
/// window.
struct IncomingStream: Sendable {
    let windowBytes: Int
    /// The bytes of frames and bodies that came, those that the store has taken, and those that the peer knows of.
    private(set) var received: UInt64 = 0
    private(set) var consumed: UInt64 = 0
    private(set) var reported: UInt64 = 0
    /// The frames that came.
    private(set) var frames: UInt64 = 0
    /// The timestamp of the newest frame of each origin.
    private(set) var newest: [ReplicaID: HybridTimestamp] = [:]
    /// The origins of the items that the store has; nil for bodies and for what cannot be read.
    private(set) var delivering: [ReplicaID?]?

    private var items: [PeerItem] = []
    private var origins: [ReplicaID?] = []
    private var itemBytes: UInt64 = 0
    private var deliveringBytes: UInt64 = 0
    /// A large frame of which pieces came.
    private var piece: [UInt8] = []
    private var pieceSize: UInt64?
    /// Bytes of pieces that are not counted as consumed, because a large frame before them waits for the store.
    private var heldCredit: UInt64 = 0
    private var largeFrames = 0
    private var deliveringLargeFrames = 0

    init(_ limits: ReplicationLimits) { windowBytes = limits.windowBytes }

    /// Whether nothing waits for the store and it has nothing.
    var isIdle: Bool { items.isEmpty && delivering == nil }

    /// Whether the peer should hear that its window is open again.
    var isReportDue: Bool { consumed - reported >= UInt64(max(windowBytes / 4, 1)) }

    // MARK: Inputs

    /// Takes whole log frames, one behind the other.
    ///
    /// - Throws: `limitExceeded` if the window is exceeded, `malformed` or `unsupportedVersion` for anything but whole
    ///   frames of operations.
    mutating func take(frames bytes: [UInt8]) throws(CRDTError) {
        guard pieceSize == nil else { throw CRDTError(.malformed, "a frame interrupts the pieces of another") }
        try count(bytes.count)
        try split(bytes)
        itemBytes += UInt64(bytes.count)
    }

    /// Takes a piece of a large frame.
    ///
    /// - Throws: as for whole frames, and `malformed` if it does not follow the piece before it.
    mutating func take(pieceAt offset: UInt64, of size: UInt64, _ bytes: [UInt8]) throws(CRDTError) {
        guard size <= UInt64(FrameEnvelope.Limits().maximumFrameBytes) else {
            throw CRDTError(.limitExceeded, "a frame of \(size) bytes exceeds the limit of the log")
        }
        guard
            offset == UInt64(piece.count) && size == pieceSize ?? size && !bytes.isEmpty
                && UInt64(bytes.count) <= size - offset
        else { throw CRDTError(.malformed, "a piece of a frame does not follow the one before it") }
        try count(bytes.count)
        pieceSize = size
        piece.append(contentsOf: bytes)
        guard UInt64(piece.count) == size else {
            heldCredit += UInt64(bytes.count)
            return release()
        }
        let whole = piece
        piece = []
        pieceSize = nil
        try split(whole)
        itemBytes += UInt64(bytes.count)
        largeFrames += 1
    }

    /// Takes a small body.
    ///
    /// - Throws: `limitExceeded` if the window is exceeded.
    mutating func take(body digest: BodyDigest, _ bytes: [UInt8]) throws(CRDTError) {
        guard pieceSize == nil else { throw CRDTError(.malformed, "a body interrupts the pieces of a frame") }
        try count(bytes.count)
        items.append(.body(digest, size: UInt64(bytes.count), bytes: bytes))
        origins.append(nil)
        itemBytes += UInt64(bytes.count)
    }

    /// The store has taken the batch.
    mutating func batchTaken() {
        guard delivering != nil else { return }
        delivering = nil
        consumed += deliveringBytes
        deliveringBytes = 0
        largeFrames -= deliveringLargeFrames
        deliveringLargeFrames = 0
        release()
    }

    // MARK: Outputs

    /// The next batch for the store, unless it has one.
    mutating func nextBatch() -> [PeerItem]? {
        guard delivering == nil && !items.isEmpty else { return nil }
        let batch = items
        delivering = origins
        deliveringBytes = itemBytes
        deliveringLargeFrames = largeFrames
        items = []
        origins = []
        itemBytes = 0
        return batch
    }

    /// The peer is told how much is consumed.
    mutating func report() -> UInt64 {
        reported = consumed
        return consumed
    }

    /// Checks what must always hold.
    func checkInvariants() throws(CRDTError) {
        guard reported <= consumed && consumed <= received && items.count == origins.count else {
            throw CRDTError(.malformed, "the counts of a link do not fit: \(reported), \(consumed), \(received)")
        }
        guard received - consumed == itemBytes + deliveringBytes + heldCredit else {
            throw CRDTError(.malformed, "\(received - consumed) bytes are not consumed and not held")
        }
        guard largeFrames >= deliveringLargeFrames && deliveringLargeFrames >= 0 else {
            throw CRDTError(.malformed, "the count of large frames is wrong")
        }
    }

    // MARK: Private

    private mutating func count(_ bytes: Int) throws(CRDTError) {
        let waiting = received - consumed + UInt64(bytes)
        // A sender may exceed the window by one message that is larger than it, when nothing is under way; and the
        // receiver's counts run ahead of what the sender has heard.
        let limit = UInt64(windowBytes + ReplicationLimits.maximumMessageBytes)
        guard waiting <= limit else {
            throw CRDTError(.limitExceeded, "\(waiting) unacknowledged bytes came, the window has \(windowBytes)")
        }
        received += UInt64(bytes)
    }

    private mutating func release() {
        guard largeFrames == 0 else { return }
        consumed += heldCredit
        heldCredit = 0
    }

    private mutating func split(_ bytes: [UInt8]) throws(CRDTError) {
        let span = bytes.span
        var offset = 0
        var found: [PeerItem] = []
        var from: [ReplicaID?] = []
        while offset < bytes.count {
            switch FrameEnvelope.read(span.bytes, at: offset) {
            case .frame(let kind, _, let payload, let end):
                guard kind == .operations else {
                    throw CRDTError(.malformed, "a peer sent a frame of kind \(kind), only operations are sent")
                }
                // What cannot be read is refused by the store, with the reason.
                let header = try? FrameHeader(decoding: span.bytes.extracting(payload))
                if let header { newest[header.origin] = header.lastTimestamp }
                found.append(.operations(Array(bytes[payload])))
                from.append(header?.origin)
                offset = end
            case .incomplete(let needed):
                throw CRDTError(.malformed, "a frame lacks \(needed) bytes")
            case .malformed(let fault):
                let code: CRDTError.Code = fault.code == .unsupportedVersion ? .unsupportedVersion : .malformed
                throw CRDTError(code, "a frame is damaged: \(fault)")
            }
        }
        guard !found.isEmpty else { throw CRDTError(.malformed, "a message without frames") }
        frames += UInt64(found.count)
        items += found
        origins += from
    }
}
