// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import Foundation
internal import MailStore
internal import ReplicaService

/// The run: three times the receiver is away and comes back.
struct CatchUp {
    /// What one absence showed.
    struct Figures {
        var operations: UInt64 = 0
        var seconds = 0.0
        var peak = Receiver.Peak()
        /// The latencies of the steady writer while the receiver was away, and while it caught up.
        var before: [Double] = []
        var during: [Double] = []
        /// Those of a bare `fdatasync` at the same times.
        var probeBefore: [Double] = []
        var probeDuring: [Double] = []
        var writerKiB = 0
        /// What the limits are: the rate at which a store applies the same operations, and the time that the bytes of
        /// the log take to be written.
        var localRate = 0.0
        var localBytes: UInt64 = 0
        var diskSeconds = 0.0
        /// The octets that went to the receiver, and the time that they take over bare TLS.
        var sentBytes = 0
        var pipeSeconds = 0.0

        var rate: Double { seconds > 0 ? Double(operations) / seconds : 0 }
    }

    let directory: String
    let receiverDirectory: String
    let operations: UInt64
    let cleanup: Cleanup
    let pipe: TLSPipe

    private var receiverStore: String { receiverDirectory + "/store-b" }

    private static let quiet = Duration.seconds(5)

    /// Runs it.
    ///
    /// - Returns: what each absence showed.
    /// - Throws: what a store, a process or the network reports.
    func run() async throws -> [(label: String, figures: Figures)] {
        var all: [(label: String, figures: Figures)] = []
        let small = operations / 10
        say("\(operations) operations of 64 users at one node while the other is away, then catch-up over TLS")
        say("while the first goes on with \(Int(1 / SteadyWriter.interval.seconds)) writes a second")
        let writer = try await BenchNode(
            "a", in: directory, store: directory + "/store-a", peerPort: nil)
        try await running(writer) {
            try await Workload(writer.store).write(until: small / 2)
            try await meet(writer)
            let first = try await absence(writer, small)
            report("after \(small)", first)
            all.append(("from the log", first))
            try copyReceiver()
            let second = try await absence(writer, operations, comparing: true)
            report("after \(operations)", second)
            all.append(("from the log", second))
            compare(second)
            say(
                "growth of the receiver's memory from \(first.operations) to \(second.operations) operations: "
                    + "\(second.peak.anonymousKiB - first.peak.anonymousKiB) KiB")
            all.append(("from a snapshot", try await rebuild(writer)))
        }
        await writer.store.close()
        return all
    }

    /// Both meet for the first time, and agree.
    private func meet(_ writer: BenchNode) async throws {
        let receiver = try await Receiver.start(
            directory: directory, store: receiverStore, peerPort: writer.port, cleanup: cleanup)
        defer { receiver.kill() }
        writer.setPeer(port: receiver.port)
        try await level(writer, below: 1)
    }

    /// The receiver is away while so many operations are written, and comes back.
    private func absence(
        _ writer: BenchNode, _ count: UInt64, comparing: Bool = false, isNew: Bool = false
    ) async throws -> Figures {
        let load = Workload(writer.store)
        let start = load.issued
        try await load.write(until: start + count)
        var figures = Figures()
        if comparing {
            (figures.localRate, figures.localBytes) = try await Reference.localApply(
                writer.store, copy: receiverDirectory + "/copy")
            figures.diskSeconds = try Reference.write(figures.localBytes, to: receiverDirectory + "/reference")
        }
        let steady = SteadyWriter()
        let probe = try DiskProbe(path: directory + "/probe")
        defer { probe.stop() }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await steady.run(writer.store) }
            try await Task.sleep(for: Self.quiet)
            (figures.before, figures.probeBefore) = (steady.take(), probe.take())
            let sentBefore = writer.sentBytes()
            let clock = ContinuousClock()
            let begin = clock.now
            let receiver = try await Receiver.start(
                directory: directory, store: receiverStore, peerPort: writer.port, cleanup: cleanup)
            defer { receiver.kill() }
            tasks.addTask { try await receiver.watch() }
            writer.setPeer(port: receiver.port)
            try await level(writer, below: 100)
            figures.seconds = (clock.now - begin).seconds
            figures.operations = isNew ? load.issued : load.issued - start
            (figures.during, figures.probeDuring) = (steady.take(), probe.take())
            figures.peak = receiver.used
            // The counters are brought up to date once a second.
            try await Task.sleep(for: .milliseconds(1_200))
            figures.sentBytes = writer.sentBytes() - sentBefore
            figures.writerKiB = Receiver.field("RssAnon", of: ProcessInfo.processInfo.processIdentifier)
            tasks.cancelAll()
        }
        let clock = ContinuousClock()
        let begin = clock.now
        try await pipe.run(bytes: max(figures.sentBytes, 1))
        figures.pipeSeconds = (clock.now - begin).seconds
        return figures
    }

    /// Waits until the receiver lacks fewer operations than that.
    private func level(_ writer: BenchNode, below limit: UInt64) async throws {
        let deadline = ContinuousClock.now + .seconds(1_800)
        while ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(20))
            guard let peer = writer.service.status?.group.peers.first, peer.outgoing == .up else { continue }
            if peer.sendLagOperations < limit { return }
        }
        throw BenchFailure("the receiver did not catch up: \(String(describing: writer.service.status))")
    }

    /// Keeps the receiver's store as it is now, for the reference.
    private func copyReceiver() throws {
        try FileManager.default.copyItem(atPath: receiverStore, toPath: receiverDirectory + "/copy")
    }

    /// The receiver's disk is empty: it gets a snapshot, and what was written meanwhile on top.
    private func rebuild(_ writer: BenchNode) async throws -> Figures {
        try FileManager.default.removeItem(atPath: receiverStore)
        let figures = try await absence(writer, 1, isNew: true)
        report("from nothing, by a snapshot of \(figures.operations) operations", figures)
        return figures
    }

    private func running(_ node: BenchNode, _ work: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                do { try await node.run() } catch is CancellationError {}
            }
            try await work()
            tasks.cancelAll()
        }
    }

    // MARK: Output

    private func report(_ label: String, _ figures: Figures) {
        say("\(label):")
        say(
            "  \(number(Double(figures.sentBytes) / 1e6)) MB sent, which take \(number(figures.pipeSeconds)) s over bare TLS"
        )
        say(
            "  \(figures.operations) operations in \(number(figures.seconds)) s, \(Int(figures.rate)) operations/s, "
                + "\(number(figures.peak.processorSeconds)) s of the receiver's processor time")
        say(
            "  the receiver's peak: \(figures.peak.anonymousKiB / 1_024) MiB heap, "
                + "\(figures.peak.residentKiB / 1_024) MiB resident; the writer: \(figures.writerKiB / 1_024) MiB heap")
        for (name, share) in [("median", 0.5), ("99th percentile", 0.99)] {
            let writer = latency(figures.before, figures.during, share)
            let probe = latency(figures.probeBefore, figures.probeDuring, share)
            say("  the writer's latency, \(name): \(writer.text)")
            say(
                "    a bare fdatasync at the same times: \(probe.text); the ratio's ratio \(number(writer.ratio / probe.ratio))"
            )
        }
    }

    private func latency(_ before: [Double], _ during: [Double], _ share: Double) -> (text: String, ratio: Double) {
        let (alone, meanwhile) = (before.percentile(share) * 1_000, during.percentile(share) * 1_000)
        let ratio = meanwhile / max(alone, 1e-6)
        return ("\(number(alone)) ms alone, \(number(meanwhile)) ms meanwhile, ratio \(number(ratio))", ratio)
    }

    private func compare(_ figures: Figures) {
        say("  reference: the same operations applied to a copy of the store, in one process and without a network:")
        say("    \(Int(figures.localRate)) operations/s; catch-up reaches \(number(figures.rate / figures.localRate))")
        say("  reference: the \(figures.localBytes >> 20) MiB of log written with fdatasync after each 256 KiB:")
        say(
            "    \(number(figures.diskSeconds)) s; catch-up takes "
                + "\(number(figures.seconds / max(figures.diskSeconds, 1e-9))) times as long")
    }

    private func number(_ value: Double) -> String { String(format: value < 10 ? "%.2f" : "%.1f", value) }

    private func say(_ text: String) { Console.say("  " + text) }
}
