// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import NIOCore
internal import NIOPosix
internal import Storage

/// A writer and a reader in this process, each with its own event loop, log and log thread, joined by the product's link.
final class NodePair {
    /// What one run took and moved.
    struct Run {
        var operations = 0
        var cost = Cost.zero
        var outcome = WriterNode.Outcome()
        /// Commits and bytes of both logs.
        var commits: (writer: UInt64, reader: UInt64) = (0, 0)
        var logBytes: UInt64 = 0

        /// Frames in a commit of the writer's log, on average.
        var framesPerCommit: Double { Double(outcome.frames) / Double(max(commits.writer, 1)) }
    }

    private let script: CommandScript
    private let links: LinkPair
    private let logs: (writer: SegmentedLog, reader: SegmentedLog)
    private let writer: NIOLoopBound<WriterNode>
    private let reader: NIOLoopBound<ReaderNode>
    private let loops: (writer: any EventLoop, reader: any EventLoop)

    /// Joins two new nodes and carries out the script's preparation.
    ///
    /// - Parameters:
    ///   - script: the commands.
    ///   - directory: where the logs go.
    ///   - mesh: the certificates of `a` and `b`.
    ///   - groups: one event loop for each.
    ///   - prepared: frames to pass on without replicas at both ends.
    /// - Throws: what the logs, the links or the nodes report.
    init(
        _ script: CommandScript, in directory: String, _ mesh: Mesh, _ groups: NodeLoops,
        prepared: PreparedFrames? = nil
    ) async throws {
        self.script = script
        let logs = try (
            writer: Self.openLog(directory + "/log-a"), reader: Self.openLog(directory + "/log-b")
        )
        let links = try await LinkPair(mesh, ("a", "b"), groups.writer, groups.reader)
        let loops: (writer: any EventLoop, reader: any EventLoop) = (groups.writer.next(), groups.reader.next())
        let writer = try await loops.writer.submit {
            NIOLoopBound(
                try WriterNode(
                    script: script, prepared: prepared, log: logs.writer, link: links.writer, on: loops.writer),
                eventLoop: loops.writer)
        }.get()
        reader = try await loops.reader.submit {
            NIOLoopBound(
                try ReaderNode(number: 2, prepared: prepared, log: logs.reader, link: links.reader, on: loops.reader) {
                    error in
                    loops.writer.execute { writer.value.fail(error) }
                }, eventLoop: loops.reader)
        }.get()
        (self.logs, self.links, self.loops, self.writer) = (logs, links, loops, writer)
        if prepared == nil { _ = try await run(0..<script.preparation, frame: 1_000, window: 64) }
    }

    private static func openLog(_ path: String) throws -> SegmentedLog {
        try SegmentedLog.open(directory: path) { _, _ in }
    }

    /// Carries out some of the script's commands until the reader has acknowledged the last.
    func run(
        _ range: Range<Int>, frame: Int?, window: Int, pace: WriterNode.Pace = .closed
    ) async throws -> Run {
        let before = (logs.writer.counters, logs.reader.counters)
        var run = Run(operations: range.count)
        let job = WriterNode.Job(range: range, frame: frame, window: window, pace: pace)
        let writer = writer
        let loop = loops.writer
        run.cost = try await Stopwatch.measureProcess {
            run.outcome = try await loop.flatSubmit { writer.value.run(job) }.get()
        }
        let after = (logs.writer.counters, logs.reader.counters)
        run.commits = (after.0.commits - before.0.commits, after.1.commits - before.1.commits)
        run.logBytes = after.0.bytesWritten - before.0.bytesWritten
        return run
    }

    /// Compares the two nodes: vectors and the digest of every account.
    func check() async throws {
        let (writer, reader) = (writer, reader)
        let first = try await loops.writer.submit { writer.value.summary }.get()
        let second = try await loops.reader.submit { reader.value.summary }.get()
        try Shard.Summary.check(first, second)
    }

    /// Ends both nodes.
    func close() async throws {
        let (writer, reader) = (writer, reader)
        try await loops.writer.submit { writer.value.detach() }.get()
        try await loops.reader.submit { reader.value.detach() }.get()
        await links.close()
        logs.writer.close()
        logs.reader.close()
    }
}

/// One event loop for each of two nodes.
struct NodeLoops {
    let writer: MultiThreadedEventLoopGroup
    let reader: MultiThreadedEventLoopGroup

    init() {
        writer = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        reader = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    }

    /// Ends both threads.
    func close() async throws {
        try await writer.shutdownGracefully()
        try await reader.shutdownGracefully()
    }
}
