// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import NIOCore
internal import PeerTransport
internal import Storage

/// The node that follows: checks each frame, appends the same bytes to its own log, applies it, and acknowledges what is durable.
///
/// Confined to its event loop, which is also its link's.
final class ReaderNode {
    private struct Logged {
        let ticket: LogTicket
        let positions: [StreamPosition]
        let consumed: UInt64
    }

    private let shard: Shard
    private let prepared: PreparedFrames?
    private var framesTaken = 0
    private let log: SegmentedLog
    private var link: (any PeerLink)?
    private let loop: any EventLoop
    private var logged = CircularBuffer<Logged>()
    private var consumed: UInt64 = 0
    private let failed: @Sendable (any Error) -> Void

    /// Makes the node; on its event loop.
    ///
    /// - Parameters:
    ///   - number: its name as a replica.
    ///   - prepared: the frames that it only checks and stores, when it is not to apply them.
    ///   - log: its log.
    ///   - link: its end of the link.
    ///   - loop: its event loop.
    ///   - delay: how long it sits on every message.
    ///   - failed: is told of what ends the run.
    /// - Throws: what the replica reports.
    init(
        number: UInt64, prepared: PreparedFrames? = nil, log: SegmentedLog, link: any PeerLink, on loop: any EventLoop,
        delay: TimeAmount? = nil, failed: @escaping @Sendable (any Error) -> Void
    ) throws {
        shard = try Shard(number: number)
        self.prepared = prepared
        self.log = log
        self.link = link
        self.loop = loop
        self.failed = failed
        let bound = NIOLoopBound(self, eventLoop: loop)
        log.setCommitHandler { commit in
            loop.execute { bound.value.committed(commit) }
        }
        link.start { event in
            guard let delay else { return bound.value.handle(event) }
            loop.scheduleTask(in: delay) { bound.value.handle(event) }
        }
    }

    /// Lets go of the link and the log, which hold this node.
    func detach() {
        log.setCommitHandler { _ in }
        link = nil
    }

    /// What this node has, to compare with the other.
    var summary: Shard.Summary { shard.summary }

    private func handle(_ event: PeerLinkEvent) {
        switch event {
        case .messages(let messages, let bytes):
            do {
                for case .frames(let frames) in messages { try take(frames) }
            } catch {
                failed(error)
            }
            link?.consumed(bytes: bytes)
        case .garbage(let error): failed(error)
        case .closed, .writable: break
        }
    }

    private func take(_ bytes: [UInt8]) throws {
        var delivered: [DecodedFrame] = []
        let span = bytes.span
        var offset = 0
        while offset < bytes.count {
            guard case .frame(.operations, _, let payload, let end) = FrameEnvelope.read(span.bytes, at: offset) else {
                throw BenchFailure("what came is no frame of operations")
            }
            framesTaken += 1
            if prepared == nil { delivered.append(try shard.receive(span.bytes.extracting(payload))) }
            offset = end
        }
        consumed += UInt64(bytes.count)
        let position: StreamPosition
        if let prepared {
            position = StreamPosition(origin: ReplicaID(1), counter: UInt64(framesTaken * prepared.operations))
        } else if let last = delivered.last {
            position = StreamPosition(origin: shard.name(of: last.origin), counter: last.counters.upperBound)
        } else {
            return
        }
        logged.append(Logged(ticket: log.append(bytes), positions: [position], consumed: consumed))
        for frame in delivered { try shard.apply(frame) }
    }

    private func committed(_ commit: LogCommit) {
        switch commit {
        case .failed(_, let error): failed(error)
        case .durable(let ticket, _):
            var last: Logged?
            while let first = logged.first, first.ticket <= ticket { last = logged.removeFirst() }
            guard let last else { return }
            link?.send(.acknowledge(consumed: last.consumed, durable: last.positions))
        }
    }
}
