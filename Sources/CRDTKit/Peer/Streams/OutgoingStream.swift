// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What goes out on one link: the peer's place in the log, what it subscribed to, and the window.
///
/// The log is read once from the place on; nothing is held in memory for a slow peer beyond one read.
struct OutgoingStream: Sendable {
    /// What the stream needs from the log before it can go on.
    enum Need: Equatable {
        case locate([StreamPosition])
        case read(LogPosition)
    }

    /// A message that waits for the window.
    private enum Unit {
        case frames([UInt8], count: UInt64)
        case piece(size: UInt64, offset: UInt64, bytes: [UInt8], isLast: Bool)
        case body(BodyDigest, [UInt8])

        var size: Int {
            switch self {
            case .frames(let bytes, _), .piece(_, _, let bytes, _), .body(_, let bytes): bytes.count
            }
        }
    }

    /// The largest frame that is sent in one message.
    static let maximumWholeFrameBytes = 1 << 20
    /// The size of the pieces of larger ones.
    static let pieceBytes = 512 << 10

    let batchBytes: Int
    let windowBytes: Int
    /// The subscribed origins, and up to where each was sent.
    private(set) var sent: [ReplicaID: UInt64] = [:]
    /// Where to read on; nil until it is located.
    private(set) var cursor: LogPosition?
    /// The bytes of frames and bodies that were sent, and how many of them the peer has consumed.
    private(set) var sentBytes: UInt64 = 0
    private(set) var consumedBytes: UInt64 = 0
    /// The bytes that wait for the window.
    private(set) var queuedBytes = 0
    private(set) var sentFrames: UInt64 = 0
    private(set) var readBytes: UInt64 = 0

    /// The origins whose place in the log has to be found.
    private var pending: Set<ReplicaID> = []
    private var locating: Set<ReplicaID>?
    private var isReading = false
    /// A read at this end of the log brought nothing: there is no point in repeating it.
    private var exhausted: LogPosition?
    private var queue: [Unit] = []
    private var head = 0
    private var bodies: BodyAssembler

    init(_ limits: ReplicationLimits) {
        batchBytes = limits.batchBytes
        windowBytes = limits.windowBytes
        bodies = BodyAssembler(maximumBytes: limits.pendingBodyBytes)
    }

    /// The bytes under way.
    var outstanding: Int { Int(truncatingIfNeeded: sentBytes - consumedBytes) }

    /// Whether everything that was read is sent.
    var isDrained: Bool { head == queue.count }

    // MARK: Inputs

    /// Begins, restarts or, with a counter of 0, ends an origin's stream.
    mutating func subscribe(_ position: StreamPosition) {
        locating?.remove(position.origin)
        if position.counter == 0 {
            sent[position.origin] = nil
            pending.remove(position.origin)
        } else {
            sent[position.origin] = position.counter - 1
            pending.insert(position.origin)
        }
    }

    /// The place was found, or the log has lost some of what was asked for: then those origins are dropped.
    ///
    /// - Returns: the origins that cannot be served.
    mutating func located(_ position: LogPosition?, logStart: StreamVector) -> [ReplicaID] {
        guard let asked = locating else { return [] }
        locating = nil
        guard let position else {
            var lost = asked.filter { (sent[$0] ?? .max) < logStart[$0] }
            // The log said no and the status does not say why: nothing of it can be trusted to be there.
            if lost.isEmpty { lost = asked }
            for origin in lost { subscribe(StreamPosition(origin: origin, counter: 0)) }
            return lost.sorted()
        }
        pending.subtract(asked)
        cursor = cursor.map { min($0, position) } ?? position
        exhausted = nil
        return []
    }

    /// A read came back; nil if the log no longer reaches back to the place.
    mutating func read(_ read: LogRead?) {
        guard isReading else { return }
        isReading = false
        guard let read, let place = cursor else {
            cursor = nil
            pending = Set(sent.keys)
            bodies.discard()
            return
        }
        for frame in read.frames {
            readBytes &+= UInt64(frame.envelope.count)
            take(frame)
        }
        if read.next > place { cursor = read.next } else { exhausted = place }
    }

    /// The peer consumed so many bytes since the link opened.
    ///
    /// - Returns: false if that cannot be.
    mutating func acknowledge(consumed: UInt64) -> Bool {
        guard consumed >= consumedBytes && consumed <= sentBytes else { return false }
        consumedBytes = consumed
        return true
    }

    // MARK: Outputs

    /// What to ask of the log now; each answer is awaited before the next question.
    mutating func need(logEnd: LogPosition) -> Need? {
        guard locating == nil && !isReading && isDrained else { return nil }
        if !pending.isEmpty {
            locating = pending
            return .locate(
                pending.sorted().map { StreamPosition(origin: $0, counter: (sent[$0] ?? 0) &+ 1) })
        }
        guard let place = cursor, place < logEnd, !sent.isEmpty else { return nil }
        if let exhausted, exhausted >= place && lastEnd == logEnd { return nil }
        exhausted = nil
        lastEnd = logEnd
        isReading = true
        return .read(place)
    }

    private var lastEnd: LogPosition?

    /// The next message that the window lets through.
    mutating func next() -> PeerMessage? {
        guard head < queue.count else { return nil }
        let unit = queue[head]
        guard outstanding == 0 || outstanding + unit.size <= windowBytes else { return nil }
        head += 1
        if head == queue.count {
            queue.removeAll(keepingCapacity: true)
            head = 0
        }
        queuedBytes -= unit.size
        sentBytes &+= UInt64(unit.size)
        switch unit {
        case .frames(let bytes, let count):
            sentFrames &+= count
            return .frames(bytes)
        case .piece(let size, let offset, let bytes, let isLast):
            if isLast { sentFrames &+= 1 }
            return .framePiece(size: size, offset: offset, bytes: bytes)
        case .body(let digest, let bytes): return .body(digest, bytes: bytes)
        }
    }

    /// Checks what must always hold.
    func checkInvariants() throws(CRDTError) {
        guard consumedBytes <= sentBytes else { throw CRDTError(.malformed, "a peer consumed more than was sent") }
        let single = max(Self.maximumWholeFrameBytes, Self.pieceBytes)
        guard outstanding <= windowBytes + single else {
            throw CRDTError(.malformed, "\(outstanding) bytes are under way, the window has \(windowBytes)")
        }
        let queued = queue[head...].reduce(0) { $0 + $1.size }
        guard queued == queuedBytes else { throw CRDTError(.malformed, "\(queued) bytes wait, counted \(queuedBytes)") }
        guard pending.allSatisfy({ sent[$0] != nil }) else {
            throw CRDTError(.malformed, "a place is sought for an origin that is not subscribed")
        }
        guard bodies.readyBytes <= bodies.maximumBytes else { throw CRDTError(.malformed, "too many bodies wait") }
    }

    // MARK: Frames

    private mutating func take(_ frame: LoggedFrame) {
        let span = frame.envelope.span
        guard span.count >= FrameEnvelope.headerBytes else { return }
        let payload = span.bytes.extracting(FrameEnvelope.headerBytes..<span.count)
        switch frame.kind {
        case .bodyChunk: bodies.chunk(payload)
        case .bodyEnd: bodies.end(payload)
        case .operations:
            // A frame of this node's own log is whole; one that cannot be read is not passed on.
            guard let header = try? FrameHeader(decoding: payload), let last = sent[header.origin],
                header.lastCounter > last, !pending.contains(header.origin)
            else { return bodies.discard() }
            sent[header.origin] = header.lastCounter
            for body in bodies.take() { enqueue(.body(body.digest, body.bytes)) }
            enqueue(frame.envelope)
        default: return
        }
    }

    private mutating func enqueue(_ unit: Unit) {
        queue.append(unit)
        queuedBytes += unit.size
    }

    private mutating func enqueue(_ envelope: [UInt8]) {
        guard envelope.count <= Self.maximumWholeFrameBytes else { return enqueuePieces(envelope) }
        queuedBytes += envelope.count
        if head < queue.count, case .frames(var bytes, let count) = queue[queue.count - 1],
            bytes.count + envelope.count <= batchBytes
        {
            // Taken out first, so that the bytes grow in place.
            queue.removeLast()
            bytes.append(contentsOf: envelope)
            queue.append(.frames(bytes, count: count + 1))
        } else {
            queue.append(.frames(envelope, count: 1))
        }
    }

    private mutating func enqueuePieces(_ envelope: [UInt8]) {
        var offset = 0
        while offset < envelope.count {
            let end = min(offset + Self.pieceBytes, envelope.count)
            enqueue(
                .piece(
                    size: UInt64(envelope.count), offset: UInt64(offset), bytes: Array(envelope[offset..<end]),
                    isLast: end == envelope.count))
            offset = end
        }
    }
}
