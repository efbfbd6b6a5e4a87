// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import NIOCore
internal import PeerTransport
internal import Storage

/// The node that carries out commands for many replicas: nobody waits for any of them, and each gets what is durable out of the log, at its own pace.
///
/// Confined to its event loop, which is also that of all its links.
final class FanOutWriter {
    /// What came of a run.
    struct Outcome: Sendable {
        /// The most that waited for one link.
        var queuedBytes = 0
        /// How many operations the replica lacks that lacks most.
        var greatestLag = 0
    }

    /// Frames that may wait for the disk.
    private static let window = 64
    /// Bytes that may be under way to one replica.
    private static let linkWindow: UInt64 = 1 << 20
    /// Bytes of log that are read at once.
    private static let readBytes = 128 << 10
    /// What may wait for one link at the most.
    static let mostQueuedBytes = Int(linkWindow) + readBytes
    private static let frame = 1_024

    private let shard: Shard
    private let log: SegmentedLog
    private let script: CommandScript
    private let loop: any EventLoop
    private var peers: [FanOutPeer]

    private var next = 0
    private var goal = 0
    private var undurable = 0
    private var isPumping = false
    private var outcome = Outcome()
    private var end: EventLoopPromise<Outcome>?

    /// Makes the node; on its event loop.
    init(
        script: CommandScript, log: SegmentedLog, peers: [FanOutPeer], on loop: any EventLoop
    ) throws {
        shard = try Shard(number: 1)
        self.script = script
        self.log = log
        self.peers = peers
        self.loop = loop
        let bound = NIOLoopBound(self, eventLoop: loop)
        log.setCommitHandler { commit in
            loop.execute { bound.value.committed(commit) }
        }
        for (index, peer) in peers.enumerated() {
            peer.link?.start { bound.value.handle($0, from: index) }
        }
    }

    /// Lets go of the links and the log, which hold this node.
    func detach() {
        log.setCommitHandler { _ in }
        for index in peers.indices { peers[index].link = nil }
    }

    /// Carries out commands up to one; the future succeeds when all healthy replicas have acknowledged it.
    func run(upTo goal: Int) -> EventLoopFuture<Outcome> {
        let end = loop.makePromise(of: Outcome.self)
        (self.end, self.goal, outcome) = (end, goal, Outcome())
        pump()
        return end.futureResult
    }

    /// Ends the run with an error, wherever it came from.
    func fail(_ error: any Error) {
        end?.fail(error)
        end = nil
    }

    /// What this node has, to compare with the others.
    var summary: Shard.Summary { shard.summary }

    // MARK: Inputs

    private func committed(_ commit: LogCommit) {
        switch commit {
        case .failed(_, let error): fail(error)
        case .durable(_, let positions):
            undurable -= positions.count
            for index in peers.indices { send(to: index) }
            pump()
        }
    }

    private func handle(_ event: PeerLinkEvent, from index: Int) {
        switch event {
        case .messages(let messages, let bytes):
            peers[index].link?.consumed(bytes: bytes)
            for case .acknowledge(let consumed, let durable) in messages {
                peers[index].consumedBytes = consumed
                for position in durable where position.origin == shard.id {
                    peers[index].acknowledged = position.counter
                }
            }
            send(to: index)
            finishIfDone()
        case .garbage(let error): fail(error)
        case .closed(let fault): if peers[index].kind == .healthy { fail(fault) }
        case .writable: send(to: index)
        }
    }

    private func finishIfDone() {
        guard end != nil, next == goal else { return }
        for peer in peers where peer.kind == .healthy && peer.acknowledged < UInt64(goal) { return }
        outcome.greatestLag = peers.map { goal - Int($0.acknowledged) }.max() ?? 0
        end?.succeed(outcome)
        end = nil
    }

    // MARK: Sending

    /// Sends what is durable, as much as the replica's window takes.
    private func send(to index: Int) {
        do {
            while let link = peers[index].link, link.isWritable,
                peers[index].sentBytes - peers[index].consumedBytes < Self.linkWindow
            {
                let run = try log.readRun(from: peers[index].position, maximumBytes: Self.readBytes)
                guard run.next > peers[index].position else { return }
                peers[index].position = run.next
                var message: [UInt8] = []
                message.reserveCapacity(run.frames.reduce(0) { $0 + $1.envelope.count })
                for frame in run.frames { message.append(contentsOf: frame.envelope) }
                guard !message.isEmpty else { continue }
                peers[index].sentBytes += UInt64(message.count)
                link.send(.frames(message))
                outcome.queuedBytes = max(outcome.queuedBytes, link.queuedBytes)
            }
        } catch {
            fail(error)
        }
    }

    // MARK: Making frames

    private func pump() {
        guard !isPumping, end != nil, next < goal, undurable < Self.window else { return }
        do {
            let (frame, count) = try shard.generate(script, next..<min(next + Self.frame, goal))
            next += count
            undurable += 1
            _ = log.append(frame)
        } catch {
            return fail(error)
        }
        // The links get their turn between two frames.
        isPumping = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.execute {
            bound.value.isPumping = false
            bound.value.pump()
        }
    }
}
