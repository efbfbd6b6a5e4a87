// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import Storage

/// What a commit of so many records costs, in the product's log and in others, next to a bare loop of the same bytes.
enum LogCommitRows {
    static let name = "crdt.log.commit"

    /// A record's payload; its envelope comes on top.
    private static let payloadBytes = 40
    private static var recordBytes: Int { payloadBytes + FrameEnvelope.headerBytes }

    static func run(_ context: BenchContext) async throws -> [ResultRow] {
        var rows: [ResultRow] = []
        for place in try Place.chosen(context) {
            for records in [1, 10, 100, 1_000, 10_000] {
                let commits = count(records, place)
                rows += [
                    try await log(records, commits, place, inOneUnit: true, context),
                    try await log(records, commits, place, inOneUnit: false, context),
                    try peer("LMDB", records, commits, place, context) { folder in
                        let file = try BareLMDB(path: folder.file("lmdb"))
                        return { try file.commit(from: $0, count: records, value: $1) }
                    },
                ]
                if let reason = context.absence(of: RocksDB.peer) {
                    rows.append(.absent(name, subject("RocksDB", records, place), reason))
                } else {
                    rows.append(
                        try peer("RocksDB", records, commits, place, context) { folder in
                            let database = try RocksDB(path: folder.file("rocks"))
                            return { try database.commit(from: $0, count: records, value: $1) }
                        })
                }
            }
        }
        return rows
    }

    /// Enough commits for a round to last, and not too long on a slow disk.
    private static func count(_ records: Int, _ place: Place) -> Int {
        switch place {
        case .disk: max(200 / max(records / 100, 1), 20)
        case .memory: max(10_000 / max(records / 4, 1), 20)
        }
    }

    private static func subject(_ what: String, _ records: Int, _ place: Place) -> String {
        "\(what), \(records) a commit, \(place.label)"
    }

    /// The product's log: each commit waits for the one before.
    private static func log(
        _ records: Int, _ commits: Int, _ place: Place, inOneUnit: Bool, _ context: BenchContext
    ) async throws -> ResultRow {
        let folder = try place.folder("commit", context)
        let log = try SegmentedLog.open(directory: folder.file("log")) { _, _ in }
        defer { log.close() }
        var record: [UInt8] = []
        let payload = [UInt8](repeating: 0x5a, count: payloadBytes)
        let span = payload.span
        FrameEnvelope.append(kind: .operations, payload: span.bytes, to: &record)
        var unit: [UInt8] = []
        for _ in 0..<(inOneUnit ? records : 1) { unit += record }
        let bare = try CommitLoop(path: folder.file("bare"))
        var syncs: UInt64 = 0
        let comparison = try await Comparison.awaiting(
            rounds: context.rounds,
            subject: {
                let before = log.counters.commits
                let cost = try await Stopwatch.measureProcess {
                    for _ in 0..<commits {
                        var last = LogTicket.none
                        for _ in 0..<(inOneUnit ? 1 : records) { last = log.append(unit) }
                        try await log.waitUntilDurable(last)
                    }
                }
                syncs += log.counters.commits - before
                return cost.divided(by: commits * records)
            },
            reference: { try bareCost(bare, records, commits) })
        let perCommit = Double(syncs) / Double(commits * (context.rounds + 1))
        return row(
            subject(inOneUnit ? "log, one unit" : "log, a unit each", records, place), comparison, records, place,
            inOneUnit ? "log, one unit" : "log, a unit each",
            note: "\(TextTable.number(perCommit)) fdatasyncs a commit, counted")
    }

    private static func bareCost(_ bare: CommitLoop, _ records: Int, _ commits: Int) throws -> Cost {
        try Stopwatch.measureProcess {
            try bare.run(bytes: records * recordBytes * commits, perCommit: records * recordBytes)
        }.divided(by: commits * records)
    }

    /// Another store, given the same records under ascending keys of eight octets.
    private static func peer(
        _ what: String, _ records: Int, _ commits: Int, _ place: Place, _ context: BenchContext,
        _ open: (TemporaryFolder) throws -> (UInt64, [UInt8]) throws -> Void
    ) throws -> ResultRow {
        let folder = try place.folder("commit", context)
        let commit = try open(folder)
        let bare = try CommitLoop(path: folder.file("bare"))
        let value = [UInt8](repeating: 0x5a, count: payloadBytes)
        var next: UInt64 = 0
        let comparison = try Comparison(
            rounds: context.rounds,
            subject: {
                try Stopwatch.measureProcess {
                    for _ in 0..<commits {
                        try commit(next, value)
                        next += UInt64(records)
                    }
                }.divided(by: commits * records)
            },
            reference: { try bareCost(bare, records, commits) })
        return row(subject(what, records, place), comparison, records, place, what, note: nil)
    }

    private static func row(
        _ subject: String, _ comparison: Comparison, _ records: Int, _ place: Place, _ curve: String, note: String?
    ) -> ResultRow {
        ResultRow(
            name, subject, comparison, .wall, reference: "pwrite + fdatasync of the same bytes", unit: "records/s",
            note: note
        ) { 1e9 / $0 }.at("records per commit", Double(records), "\(curve), \(place.label)")
    }
}
