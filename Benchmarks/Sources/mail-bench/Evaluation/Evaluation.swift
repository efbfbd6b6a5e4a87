// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Foundation

/// The evaluation of the OPODIS 2017 paper done again: its workload against pluto and Dovecot in turns, with the lag of replication.
final class Evaluation {
    static let options = [
        BenchOption("--sessions", "N", "sessions of the workload against each service (300)"),
        BenchOption("--seed", "N", "the seed of the workload (2017)"),
        BenchOption("--delay", "MS", "the round trip between regions in milliseconds (90)"),
        BenchOption("--reads", "yes|no", "whether reads stand between the writes (yes)"),
    ]
    private static let users = 120
    private static let concurrency = 20

    private let bench: BenchContext
    private let scenario: String
    private let sessions: Int
    private let workload: Workload
    private let oneWay: Double
    /// In how many regions mail is written.
    private let writers: Int

    private init(_ scenario: String, _ bench: BenchContext, writers: Int) throws {
        (self.scenario, self.bench, self.writers) = (scenario, bench, writers)
        sessions = try Self.number("--sessions", 300, 20...1_000_000, bench)
        oneWay = Double(try Self.number("--delay", 90, 0...10_000, bench)) / 2
        let reads = bench.options["--reads"] ?? "yes"
        guard ["yes", "no"].contains(reads) else { throw BenchFailure("--reads takes yes or no", exitCode: 64) }
        workload = Workload(
            seed: UInt64(try Self.number("--seed", 2_017, 0...Int.max, bench)), users: Self.users,
            reads: reads == "yes",
            concurrency: Self.concurrency)
    }

    /// All sessions in one of two regions: the paper's first experiment.
    static func one(_ bench: BenchContext) throws -> [ResultRow] {
        try Evaluation("opodis.one", bench, writers: 1).run(regions: 2, withPeers: true)
    }

    /// Sessions in both of two regions: the paper's second experiment.
    static func two(_ bench: BenchContext) throws -> [ResultRow] {
        try Evaluation("opodis.two", bench, writers: 2).run(regions: 2, withPeers: true)
    }

    /// Sessions in three regions, which dsync of Dovecot 2.3 does not do.
    static func three(_ bench: BenchContext) throws -> [ResultRow] {
        try Evaluation("opodis.three", bench, writers: 3).run(regions: 3, withPeers: false)
    }

    private func run(regions: Int, withPeers: Bool) throws -> [ResultRow] {
        let pluto = try PlutoCluster(bench, regions: regions, users: Self.users, oneWayMilliseconds: oneWay)
        var services: [any ReplicatedService] = [pluto]
        defer { for service in services { service.stop() } }
        var rows: [ResultRow] = []
        if withPeers {
            if let absence = bench.absence(of: Dovecot.peer.name) {
                rows.append(.absent(scenario, "Dovecot dsync", absence))
            } else {
                for isReplicated in writers == 1 ? [true, false] : [true] {
                    services.append(
                        try DovecotPair(
                            bench, isReplicated: isReplicated, users: Self.users, oneWayMilliseconds: oneWay,
                            certificates: pluto.certificates))
                }
            }
        }
        let trials = try services.map { try Trial($0, writers: min(writers, $0.sites.count), workload) }
        // The rounds are parts of one run: a warm-up of a twentieth, then equal shares.
        let warmUp = max(sessions / 20, Self.concurrency)
        for round in 0...bench.rounds {
            let share = (sessions * max(round - 1, 0) / bench.rounds)..<(sessions * round / bench.rounds)
            let part = round == 0 ? 0..<warmUp : (warmUp + share.lowerBound)..<(warmUp + share.upperBound)
            for trial in trials { try trial.run(part, counts: round > 0) }
        }
        return rows + EvaluationRows(scenario: scenario, trials: trials, regions: regions).all
    }

    private static func number(
        _ option: String, _ standard: Int, _ allowed: ClosedRange<Int>, _ bench: BenchContext
    ) throws -> Int {
        guard let text = bench.options[option] else { return standard }
        guard let number = Int(text), allowed.contains(number) else {
            throw BenchFailure(
                "\(option) takes a whole number from \(allowed.lowerBound) to \(allowed.upperBound)", exitCode: 64)
        }
        return number
    }
}
