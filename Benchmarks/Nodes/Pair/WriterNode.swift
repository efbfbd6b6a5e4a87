// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import NIOCore
internal import PeerTransport
internal import Storage

/// The node that carries out commands: seals frames, appends them to its log, and sends each once it is durable.
///
/// Confined to its event loop, which is also its link's. The commit handler of its log is called on the log's thread and hops
/// over, once for each commit.
final class WriterNode {
    /// How commands come.
    enum Pace {
        /// As many as the window lets in.
        case closed
        /// Each at its own time, whatever became of those before: so many nanoseconds after each other.
        case open(interval: Double)
    }

    /// What to do.
    struct Job {
        /// Commands of the script.
        var range: Range<Int>
        /// Commands in a frame; nil takes those that are there when the log is idle, at most ``maximumOperations``.
        var frame: Int?
        /// Frames that may be under way.
        var window: Int
        var pace = Pace.closed
    }

    /// What came of it.
    struct Outcome: Sendable {
        var frames = 0
        var messages = 0
        var bytes: UInt64 = 0
        /// Nanoseconds from a frame's beginning, or an operation's intended time, to its acknowledgement.
        var latencies: [UInt64] = []
    }

    private struct Sealed {
        let ticket: LogTicket
        let bytes: [UInt8]
    }

    private struct Unacknowledged {
        let lastCounter: UInt64
        let operations: Int
        let began: UInt64
    }

    /// The most commands in a frame that takes what is there.
    static let maximumOperations = 1_024
    /// Frames are joined up to this many bytes for one message.
    private static let messageBytes = 64 << 10
    /// Commands that are carried out before others get a turn on the event loop.
    private static let operationsPerTurn = 512

    private let shard: Shard
    private let prepared: PreparedFrames?
    private let log: SegmentedLog
    private var link: (any PeerLink)?
    private let script: CommandScript
    private let loop: any EventLoop

    private var job = Job(range: 0..<0, window: 1)
    private var next = 0
    private var began: UInt64 = 0
    private var sealed = CircularBuffer<Sealed>()
    private var unacknowledged = CircularBuffer<Unacknowledged>()
    private var isPumping = false
    private var outcome = Outcome()
    private var end: EventLoopPromise<Outcome>?

    /// Makes the node; on its event loop.
    ///
    /// - Parameters:
    ///   - script: its commands.
    ///   - prepared: frames to send instead of carrying out commands.
    ///   - log: its log.
    ///   - link: its end of the link.
    ///   - loop: its event loop.
    /// - Throws: what the replica reports.
    init(
        script: CommandScript, prepared: PreparedFrames?, log: SegmentedLog, link: any PeerLink, on loop: any EventLoop
    ) throws {
        shard = try Shard(number: 1)
        self.prepared = prepared
        self.script = script
        self.log = log
        self.link = link
        self.loop = loop
        let bound = NIOLoopBound(self, eventLoop: loop)
        log.setCommitHandler { commit in
            loop.execute { bound.value.committed(commit) }
        }
        link.start { bound.value.handle($0) }
    }

    /// Lets go of the link and the log, which hold this node.
    func detach() {
        log.setCommitHandler { _ in }
        link = nil
    }

    // MARK: Commands

    /// Carries out commands; the future succeeds when the peer has acknowledged the last of them.
    func run(_ job: Job) -> EventLoopFuture<Outcome> {
        let end = loop.makePromise(of: Outcome.self)
        self.end = end
        self.job = job
        next = job.range.lowerBound
        outcome = Outcome()
        began = MonotonicClock.now()
        pump()
        return end.futureResult
    }

    /// Ends the run with an error, wherever it came from.
    func fail(_ error: any Error) {
        end?.fail(error)
        end = nil
    }

    /// What this node has, to compare with the other.
    var summary: Shard.Summary { shard.summary }

    // MARK: Inputs

    private func committed(_ commit: LogCommit) {
        switch commit {
        case .failed(_, let error): fail(error)
        case .durable(let ticket, _):
            var message: [UInt8] = []
            while let frame = sealed.first, frame.ticket <= ticket {
                sealed.removeFirst()
                if message.isEmpty {
                    message = frame.bytes
                } else {
                    message.append(contentsOf: frame.bytes)
                }
                if message.count >= Self.messageBytes { send(&message) }
            }
            send(&message)
            pump()
        }
    }

    private func send(_ message: inout [UInt8]) {
        guard !message.isEmpty else { return }
        outcome.bytes += UInt64(message.count)
        outcome.messages += 1
        link?.send(.frames(message))
        message = []
    }

    private func handle(_ event: PeerLinkEvent) {
        switch event {
        case .messages(let messages, let bytes):
            link?.consumed(bytes: bytes)
            for case .acknowledge(_, let durable) in messages {
                for position in durable where position.origin == shard.id { acknowledged(position.counter) }
            }
            pump()
        case .garbage(let error): fail(error)
        case .closed(let fault): fail(fault)
        case .writable: break
        }
    }

    private func acknowledged(_ counter: UInt64) {
        let now = MonotonicClock.now()
        while let frame = unacknowledged.first, frame.lastCounter <= counter {
            unacknowledged.removeFirst()
            switch job.pace {
            case .closed: outcome.latencies.append(now - frame.began)
            case .open(let interval):
                let last = Int(frame.lastCounter) - 1 - job.range.lowerBound
                for index in (last - frame.operations + 1)...last {
                    outcome.latencies.append(now &- began &- UInt64(Double(index) * interval))
                }
            }
        }
        if next == job.range.upperBound, unacknowledged.isEmpty { finish() }
    }

    // MARK: Making frames

    /// Makes frames as long as it may.
    private func pump() {
        guard !isPumping, end != nil else { return }
        do {
            let turnEnd = next + Self.operationsPerTurn
            while next < turnEnd {
                guard next < job.range.upperBound, unacknowledged.count < job.window else { return }
                let due = due()
                if due == next { return wait() }
                // What takes what there is begins when nobody waits for the disk, or when a frame is full.
                if job.frame == nil, case .open = job.pace, log.queuedBytes > 0, due - next < Self.maximumOperations {
                    return
                }
                try makeFrame(upTo: due)
            }
            resume(after: .zero)
        } catch {
            fail(error)
        }
    }

    private func makeFrame(upTo due: Int) throws {
        let began = MonotonicClock.now()
        let range = next..<min(next + (job.frame ?? Self.maximumOperations), due)
        let log = self.log
        let (frame, count, last) = try nextFrame(range) { log.queuedBytes == 0 }
        next += count
        let ticket = log.append(frame)
        sealed.append(Sealed(ticket: ticket, bytes: frame))
        unacknowledged.append(Unacknowledged(lastCounter: last, operations: count, began: began))
        outcome.frames += 1
    }

    private func nextFrame(
        _ range: Range<Int>, _ isIdle: () -> Bool
    ) throws -> (frame: [UInt8], operations: Int, lastCounter: UInt64) {
        if let prepared {
            return (
                prepared.frames[range.lowerBound / prepared.operations], prepared.operations,
                UInt64(range.lowerBound + prepared.operations)
            )
        }
        let (frame, count) = try withoutActuallyEscaping(isIdle) {
            // At fixed times all that is due goes into one frame: closing it early would leave more behind with each commit than comes meanwhile.
            if case .open = job.pace { return try shard.generate(script, range) }
            return try shard.generate(script, range, closingWhen: job.frame == nil ? $0 : nil)
        }
        return (frame, count, shard.lastCounter)
    }

    /// The end of the commands that have come.
    private func due() -> Int {
        guard case .open(let interval) = job.pace else { return job.range.upperBound }
        let passed = Double(MonotonicClock.now() &- began) / interval
        return min(job.range.lowerBound + Int(passed) + 1, job.range.upperBound)
    }

    /// Waits for the next command to come.
    private func wait() {
        guard case .open(let interval) = job.pace else { return }
        let time = began + UInt64(Double(next - job.range.lowerBound) * interval)
        let now = MonotonicClock.now()
        resume(after: .nanoseconds(time > now ? Int64(time - now) : 0))
    }

    private func resume(after time: TimeAmount) {
        isPumping = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        let go: @Sendable () -> Void = {
            bound.value.isPumping = false
            bound.value.pump()
        }
        if time > .zero { _ = loop.scheduleTask(in: time, go) } else { loop.execute(go) }
    }

    private func finish() {
        end?.succeed(outcome)
        end = nil
    }
}
