// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import NIOCore
internal import NIOPosix
internal import PeerTransport
internal import Storage

/// A writer and its replicas in this process: an event loop for the writer, one for all replicas, a log with its thread for each.
final class FanOutGroup {
    /// What a run took.
    struct Outcome {
        var cost = Cost.zero
        var queuedBytes = 0
        var slowLag = 0
        /// MiB of memory that the run added.
        var residentGrowth = 0.0
    }

    /// How long a slow replica sits on a message.
    private static let slowness = TimeAmount.milliseconds(50)

    private let script: CommandScript
    private let kinds: [FanOutPeer.Kind]
    private let links: [LinkPair]
    private let logs: [SegmentedLog]
    private let writer: NIOLoopBound<FanOutWriter>
    private let readers: [NIOLoopBound<ReaderNode>?]
    private let loops: (writer: any EventLoop, reader: any EventLoop)

    /// Joins new nodes and carries out the script's preparation.
    ///
    /// - Parameters:
    ///   - script: the commands.
    ///   - kinds: how each replica behaves.
    ///   - directory: where the logs go.
    ///   - mesh: the certificates of `a` and `r0`, `r1` and so on.
    ///   - groups: one event loop for each side.
    /// - Throws: what the logs, the links or the nodes report.
    init(
        _ script: CommandScript, _ kinds: [FanOutPeer.Kind], in directory: String, _ mesh: Mesh, _ groups: NodeLoops
    ) async throws {
        (self.script, self.kinds) = (script, kinds)
        let loops: (writer: any EventLoop, reader: any EventLoop) = (groups.writer.next(), groups.reader.next())
        let logs = try (0...kinds.count).map { number in
            try SegmentedLog.open(directory: "\(directory)/log-\(number)") { _, _ in }
        }
        var links: [LinkPair] = []
        for number in kinds.indices {
            links.append(try await LinkPair(mesh, ("a", "r\(number)"), groups.writer, groups.reader))
        }
        let peers = zip(kinds, links).map { FanOutPeer(kind: $0, link: $1.writer) }
        let writer = try await loops.writer.submit {
            NIOLoopBound(
                try FanOutWriter(script: script, log: logs[0], peers: peers, on: loops.writer),
                eventLoop: loops.writer)
        }.get()
        var readers: [NIOLoopBound<ReaderNode>?] = []
        for (number, kind) in kinds.enumerated() {
            let link = links[number].reader
            let delay: TimeAmount? = kind == .slow ? Self.slowness : nil
            guard kind != .dead else {
                readers.append(nil)
                continue
            }
            readers.append(
                try await loops.reader.submit {
                    NIOLoopBound(
                        try ReaderNode(
                            number: UInt64(number + 2), log: logs[number + 1], link: link, on: loops.reader,
                            delay: delay
                        ) { error in
                            loops.writer.execute { writer.value.fail(error) }
                        }, eventLoop: loops.reader)
                }.get())
        }
        (self.logs, self.links, self.loops, self.writer, self.readers) = (logs, links, loops, writer, readers)
        _ = try await drive(upTo: script.preparation)
    }

    /// Carries out so many commands of the script until all healthy replicas have acknowledged the last.
    func run(_ operations: Int) async throws -> Outcome {
        let before = MemoryUse.anonymousMiB()
        var outcome = Outcome()
        outcome.cost = try await Stopwatch.measureProcess {
            let found = try await drive(upTo: script.preparation + operations)
            (outcome.queuedBytes, outcome.slowLag) = (found.queuedBytes, found.greatestLag)
        }
        outcome.residentGrowth = MemoryUse.anonymousMiB() - before
        try await check()
        return outcome
    }

    private func drive(upTo goal: Int) async throws -> FanOutWriter.Outcome {
        let writer = writer
        return try await loops.writer.flatSubmit { writer.value.run(upTo: goal) }.get()
    }

    /// Compares the healthy replicas with the writer.
    private func check() async throws {
        let writer = writer
        let own = try await loops.writer.submit { writer.value.summary }.get()
        for (kind, reader) in zip(kinds, readers) where kind == .healthy {
            guard let reader else { continue }
            try Shard.Summary.check(own, try await loops.reader.submit { reader.value.summary }.get())
        }
    }

    /// Ends all nodes.
    func close() async throws {
        let (writer, readers) = (writer, readers)
        try await loops.writer.submit { writer.value.detach() }.get()
        try await loops.reader.submit { for reader in readers { reader?.value.detach() } }.get()
        for link in links { await link.close() }
        for log in logs { log.close() }
    }
}
