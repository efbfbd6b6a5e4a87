// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// How long SELECT takes, by the number of messages; the reference is NOOP on the same connection.
enum SelectMailbox {
    private static let sizes = [100, 1_000, 10_000, 100_000]
    private static let repeats = 10
    /// How many messages one COPY makes at the most.
    private static let copyCount = 10_000

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        let server = try PlutoProcess(context)
        defer { server.remove() }
        try server.start()
        for size in sizes { try fill(size, try server.session()) }
        var rows: [ResultRow] = []
        var medians: [Int: Double] = [:]
        for size in sizes {
            let comparison = try loaded(size, server, context)
            medians[size] = comparison.costs(.wall).median
            rows.append(
                ResultRow(
                    "select", "\(size) messages, loaded", comparison, .wall, reference: "NOOP", unit: "ms"
                ) { $0 / 1e6 })
        }
        if let large = medians[100_000], let small = medians[1_000] {
            rows.append(
                ResultRow(
                    "select", "one message of 100000 : one of 1000", (large / 100_000) / (small / 1_000), "ratio",
                    note: "1 means linear, 0.01 means independent of the size"))
        }
        return rows + (try firstLoads(server, context))
    }

    private static func name(_ size: Int) -> String { "M\(size)" }

    /// Makes a mailbox of a size: a few mails by APPEND, then copies of them; SELECT does not look at bodies.
    private static func fill(_ size: Int, _ session: IMAPConnection) throws {
        let box = name(size)
        try session.command("CREATE \(box)")
        for number in 0..<100 {
            try session.sendAppend(MIMEScan.plainMail(bytes: 1_024, number: size + number), to: box)
            try session.finishAppend()
        }
        var count = 100
        while count < size {
            // A session need not be told of its own copies at once; a new SELECT knows them.
            try session.command("SELECT \(box)")
            let step = min(count, copyCount, size - count)
            try session.command("COPY 1:\(step) \(box)")
            count += step
        }
    }

    private static func loaded(_ size: Int, _ server: PlutoProcess, _ context: BenchContext) throws -> Comparison {
        let session = try server.session()
        return try Comparison(
            rounds: context.rounds,
            subject: {
                try Stopwatch.measure(process: server.id) {
                    for _ in 0..<repeats { try session.command("SELECT \(name(size))") }
                }.divided(by: repeats)
            },
            reference: {
                try Stopwatch.measure(process: server.id) {
                    for _ in 0..<(repeats * 10) { try session.command("NOOP") }
                }.divided(by: repeats * 10)
            })
    }

    /// The first SELECT after a start reads the mailbox from the engine.
    private static func firstLoads(_ server: PlutoProcess, _ context: BenchContext) throws -> [ResultRow] {
        var costs: [Int: [Cost]] = [:]
        for _ in 0..<context.rounds {
            server.stop()
            try server.start()
            for size in sizes {
                let session = try server.session()
                costs[size, default: []].append(
                    try Stopwatch.measure(process: server.id) { try session.command("SELECT \(name(size))") })
            }
        }
        return sizes.map { size in
            let wall = Series((costs[size] ?? []).map(\.wall))
            let cpu = Series((costs[size] ?? []).map(\.cpu))
            var row = ResultRow(
                "select", "\(size) messages, first after a start", wall.median / 1e6, "ms",
                note: "\(TextTable.number(wall.minimum / 1e6)) ms at best")
            (row.wallNanoseconds, row.cpuNanoseconds) = (wall.median, cpu.median)
            return row
        }
    }
}
