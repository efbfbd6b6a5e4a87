// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import Foundation

/// A peer that was away comes back: from the log after a tenth of the operations and after all of them, and from a snapshot with an empty disk.
enum CatchUpRows {
    static let name = "crdt.sync.catchup"

    /// The option that sets how many operations the peer misses.
    static let option = BenchOption(
        "--operations", "COUNT", "operations that the peer of crdt.sync.catchup misses (1000000)")

    static func run(_ context: BenchContext) async throws -> [ResultRow] {
        let operations = try context.options[option.name].map { word in
            guard let count = UInt64(word), count >= 1_000 else {
                throw BenchFailure("\(option.name) takes a number from 1000 on", exitCode: 64)
            }
            return count
        }
        let folder = try context.temporaryFolder("catchup")
        // The store of the receiver may be on another disk.
        let other = ProcessInfo.processInfo.environment["RECEIVER_TMPDIR"]
        let receiver = try TemporaryFolder("catchup", cleanup: context.cleanup, in: other)
        try BenchNode.issueCertificates(in: folder.path)
        let mesh = try Mesh(["a", "b"], context)
        let loops = NodeLoops()
        let pipe = try await TLSPipe(mesh, loops)
        let found = try await CatchUp(
            directory: folder.path, receiverDirectory: receiver.path, operations: operations ?? 1_000_000,
            cleanup: context.cleanup, pipe: pipe
        ).run()
        try await pipe.close()
        try await loops.close()
        return found.flatMap { rows($0.label, $0.figures) }
    }

    private static func rows(_ label: String, _ figures: CatchUp.Figures) -> [ResultRow] {
        let label = "\(figures.operations) operations behind, \(label)"
        var time = ResultRow(
            name, label, figures.seconds, "s",
            note:
                "the reference afterwards; \(TextTable.number(Double(figures.sentBytes) / 1e6)) MB sent; the receiver's heap "
                + "\(figures.peak.anonymousKiB >> 10) MiB at most"
        ).bytes(Double(figures.sentBytes) / Double(max(figures.operations, 1)))
        time.operationsPerSecond = figures.rate
        time.cpuNanoseconds = figures.peak.processorSeconds * 1e9 / Double(max(figures.operations, 1))
        time.reference = "bare TLS of the same bytes, once"
        time.referenceNanoseconds = figures.pipeSeconds * 1e9
        time.clock = .wall
        time.ratioMedian = figures.pipeSeconds > 0 ? figures.seconds / figures.pipeSeconds : nil
        var rows = [time]
        if figures.localRate > 0 {
            // The ratio is that of the times, as everywhere.
            var local = ResultRow(name, label, figures.rate, "op/s", note: "the reference afterwards")
            local.reference = "the same operations at a copy of the store, no network, once"
            local.clock = .wall
            local.ratioMedian = figures.rate > 0 ? figures.localRate / figures.rate : nil
            rows.append(local)
        }
        return rows
    }
}
