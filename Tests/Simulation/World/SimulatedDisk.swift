// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport

@testable import CRDTKit

/// What survives a crash of a node: its log in the real format, and the checkpoint of its engine.
final class SimulatedDisk {
    struct Segment {
        let number: UInt64
        let base: LogPosition
        let salt: UInt64
        /// Header, and whole batches; after a crash perhaps a part of one more.
        var bytes: [UInt8]

        var end: LogPosition { base.advanced(by: bytes.count) }
    }

    private(set) var segments: [Segment] = []
    private(set) var lastBatch: UInt64 = 0
    /// The checkpoint; replaced as a whole.
    var engine: EngineImage?

    /// Whether there is no room: nothing more is accepted, and what was accepted can still be written.
    var isFull = false

    /// A segment takes no further batch beyond this.
    static let segmentBytes = 8 << 10

    init(world: World) { openSegment(world) }

    /// Where the log begins.
    var start: LogPosition { segments[0].base }

    /// The end of what is on disk.
    var end: LogPosition { segments[segments.count - 1].end }

    var byteCount: Int { segments.reduce(0) { $0 + $1.bytes.count } }

    /// The bytes of a batch for the present end of the log, mark in front.
    func batch(_ frames: [UInt8], world: World) -> [UInt8] {
        if segments[segments.count - 1].bytes.count >= SimulatedDisk.segmentBytes { openSegment(world) }
        let segment = segments[segments.count - 1]
        var bytes: [UInt8] = []
        LogBatchMark(number: lastBatch + 1, position: segment.end, salt: segment.salt).append(to: &bytes)
        return bytes + frames
    }

    /// The batch is durable.
    func write(_ batch: [UInt8]) {
        segments[segments.count - 1].bytes += batch
        lastBatch += 1
    }

    /// The batch that was written last was not durable after all.
    func unwrite(_ batch: [UInt8]) {
        segments[segments.count - 1].bytes.removeLast(batch.count)
        lastBatch -= 1
    }

    /// The power fails while a batch is being written: a prefix of it reaches the disk, perhaps with damage in its last bytes.
    func tear(_ batch: [UInt8], world: World) {
        let count = world.index(batch.count + 1)
        var torn = Array(batch.prefix(count))
        if count < batch.count && count > 0 && world.once(in: 3) {
            for _ in 0..<Int(world.number(1...8)) {
                torn[count - 1 - world.index(min(count, 64))] = UInt8(world.number(0...255))
            }
        }
        if world.once(in: 4) { torn += [UInt8](repeating: 0, count: world.index(64)) }
        segments[segments.count - 1].bytes += torn
    }

    /// Reads the log as recovery does: cuts a torn tail, calls back for each frame.
    ///
    /// - Returns: what is corrupt, or nil.
    func recover(_ visit: (FrameKind, LogPosition, [UInt8]) -> Void) -> String? {
        var batch: UInt64?
        for index in segments.indices {
            let isLast = index == segments.count - 1
            var scanner = LogScanner(base: segments[index].base, isLast: isLast, lastBatch: batch)
            let bytes = segments[index].bytes
            let span = bytes.span.bytes
            loop: while true {
                switch scanner.next(in: span, startingAt: 0, reachesEnd: true) {
                case .header, .batch: break
                case .frame(let frame): visit(frame.kind, frame.position, Array(bytes[frame.payload]))
                case .needsBytes: return "the scanner wants more than the whole segment"
                case .finished(.clean): break loop
                case .finished(.tornTail(let position, _)):
                    let keep = Int(position.rawValue - segments[index].base.rawValue)
                    segments[index].bytes.removeLast(bytes.count - keep)
                    break loop
                case .finished(.corrupt(let position, let reason)):
                    return "the log is corrupt at \(position): \(reason)"
                }
            }
            batch = scanner.lastBatch
        }
        lastBatch = batch ?? lastBatch
        return nil
    }

    /// Reads durable frames from a position that begins a frame or a batch mark.
    ///
    /// - Returns: nil if the position is no longer there.
    func read(from position: LogPosition, maximumBytes: Int) -> LogRead? {
        guard position >= start, position <= end else { return nil }
        var frames: [LoggedFrame] = []
        var next = position
        var total = 0
        while let segment = segments.last(where: { $0.base <= next && next < $0.end }) {
            var offset = max(Int(next.rawValue - segment.base.rawValue), LogSegmentHeader.byteCount)
            if offset == segment.bytes.count {
                next = segment.end
                if next == end { break }
            }
            let span = segment.bytes.span.bytes
            while offset < segment.bytes.count {
                guard case .frame(let kind, _, _, let end) = FrameEnvelope.read(span, at: offset) else { return nil }
                if kind != .batchMark {
                    if !frames.isEmpty && total + end - offset > maximumBytes {
                        return LogRead(frames: frames, next: next)
                    }
                    total += end - offset
                    frames.append(
                        LoggedFrame(
                            kind: kind, position: segment.base.advanced(by: offset),
                            envelope: Array(segment.bytes[offset..<end])))
                }
                offset = end
                next = segment.base.advanced(by: offset)
            }
            if next == end { break }
        }
        return LogRead(frames: frames, next: next)
    }

    /// The bodies that a node has after a start from this disk.
    var heldBodies: Set<BodyDigest> {
        var uploads: [UInt64: [UInt8]] = [:]
        var bodies = engine?.bodies ?? [:]
        var position = start
        while let read = read(from: position, maximumBytes: 1 << 20), !read.frames.isEmpty {
            for frame in read.frames where frame.kind == .bodyChunk || frame.kind == .bodyEnd {
                let payload = Array(frame.envelope.dropFirst(FrameEnvelope.headerBytes))
                SimulatedBody.recover(frame.kind, payload, &uploads, &bodies)
            }
            position = read.next
        }
        return Set(bodies.keys)
    }

    /// Removes the segments that lie wholly before a position.
    ///
    /// - Returns: where the log begins now.
    func cut(before position: LogPosition) -> LogPosition {
        while segments.count > 1 && segments[0].end <= position { segments.removeFirst() }
        return start
    }

    private func openSegment(_ world: World) {
        let number = (segments.last?.number ?? 0) + 1
        let base = segments.last?.end ?? .start
        let salt = world.number(1...UInt64.max)
        let header = LogSegmentHeader(number: number, base: base, firstBatch: lastBatch + 1, salt: salt)
        segments.append(Segment(number: number, base: base, salt: salt, bytes: header.encoded()))
    }
}

/// What the engine holds: records as the kit makes them, nothing in memory.
struct EngineImage {
    struct Account {
        var name: String
        var record: [UInt8]
        var mailboxes: [[UInt8]]
        var subscriptions: [[UInt8]]
        var messages: [(mailbox: MailboxID, records: [[UInt8]])]
        /// Operations that came by a snapshot and lie beyond what the replica had delivered then.
        var imported: VersionVector?
    }

    /// Where recovery begins to read the log.
    var position: LogPosition
    var replica: [CheckpointRecord]
    var accounts: [Account]
    var bodies: [BodyDigest: [UInt8]]
    var marks: LogMarks
    /// What must be delivered before clients are served, after a snapshot.
    var required: [StreamPosition]
    var newestOwn: HybridTimestamp
}
