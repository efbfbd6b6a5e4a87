// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Foundation

/// One pluto node and one Dovecot beside it, with the same certificate, users and sessions.
final class Duel {
    /// The option that chooses how Dovecot keeps mail.
    static let formatOption = BenchOption("--format", "NAME", "how Dovecot keeps mail: maildir, sdbox or mdbox (sdbox)")
    static let manySessions = 20

    let bench: BenchContext
    let pluto: PlutoNode
    let dovecot: Dovecot?
    private let folder: TemporaryFolder
    private let scenario: String
    private(set) var rows: [ResultRow] = []
    /// The sessions with pluto, and those with Dovecot.
    private(set) var sides: [Sessions] = []

    /// Starts both.
    ///
    /// - Parameters:
    ///   - scenario: what the rows belong to.
    ///   - bench: the run.
    ///   - sessions: how many sessions log in with each.
    ///   - users: how many users they know.
    ///   - settings: changes Dovecot's settings.
    /// - Throws: `BenchFailure` when one does not start.
    init(
        _ scenario: String, _ bench: BenchContext, sessions: Int = Duel.manySessions, users: Int = Duel.manySessions,
        settings: (inout DovecotSettings) -> Void = { _ in }
    ) throws {
        self.bench = bench
        self.scenario = scenario
        pluto = try PlutoNode(bench, users: users)
        folder = try bench.temporaryFolder("dovecot")
        if let absence = bench.absence(of: Dovecot.peer.name) {
            dovecot = nil
            rows.append(.absent(scenario, "Dovecot", absence))
        } else {
            let dovecot = try Dovecot(
                bench, in: folder.path, certificates: pluto.certificates, port: LoopbackSocket.freePorts(1)[0],
                users: users,
                format: try Self.format(bench))
            dovecot.change(settings)
            try dovecot.start()
            self.dovecot = dovecot
        }
        if sessions > 0 { sides = try services.map { try Sessions($0, count: sessions) } }
    }

    deinit {
        sides = []
        dovecot?.stop()
        pluto.stop()
    }

    var services: [any MailService] { [pluto] + (dovecot.map { [$0] } ?? []) }

    /// How the run wants Dovecot to keep mail.
    static func format(_ bench: BenchContext) throws -> DovecotSettings.Format {
        let name = bench.options[formatOption.name] ?? DovecotSettings.Format.sdbox.rawValue
        guard let format = DovecotSettings.Format(rawValue: name) else {
            throw BenchFailure("\(formatOption.name): no format \(name); known: maildir, sdbox, mdbox", exitCode: 64)
        }
        return format
    }

    /// Does something in each session of both.
    func each(_ sessions: Int, _ work: @escaping @Sendable (MailClient, Int) throws -> Void) throws {
        for side in sides { try side.each(sessions, work) }
    }

    /// Measures the median time of a command, in turns.
    ///
    /// - Parameters:
    ///   - subject: what is measured.
    ///   - sessions: in how many sessions at the same time.
    ///   - times: how often in each session and round.
    ///   - step: the command.
    /// - Throws: what the step throws.
    func latency(_ subject: String, sessions: Int, times: Int, _ step: Step) throws {
        try row(
            subject, sessions, { try $0.measure(sessions, times: times, step).median }, unit: "us",
            note: "median of each round"
        ) {
            $0 / 1_000
        }
    }

    /// Measures how many commands end in a second, in turns.
    func throughput(_ subject: String, sessions: Int, times: Int, _ step: Step) throws {
        try row(
            subject, sessions, { try $0.measure(sessions, times: times, step).interval }, unit: "per s", note: nil
        ) {
            $0 > 0 ? 1e9 / $0 : 0
        }
    }

    private func row(
        _ subject: String, _ sessions: Int, _ measure: (Sessions) throws -> Cost, unit: String, note: String?,
        value: (Double) -> Double
    ) throws {
        let subject = "\(subject), \(sessions) session\(sessions == 1 ? "" : "s")"
        guard sides.count > 1 else {
            var costs = Series()
            for _ in 0..<bench.rounds { costs.add(try measure(sides[0]).wall) }
            rows.append(ResultRow(scenario, subject, value(costs.median), unit, note: note))
            return
        }
        let comparison = try Comparison(
            rounds: bench.rounds, subject: { try measure(sides[0]) }, reference: { try measure(sides[1]) })
        let reference = value(comparison.referenceCosts(.wall).median)
        let figures =
            "Dovecot \(Self.short(reference)) \(unit); processor \(Self.short(comparison.costs(.cpu).median / 1_000)) us"
            + " beside \(Self.short(comparison.referenceCosts(.cpu).median / 1_000)) us"
        rows.append(
            ResultRow(
                scenario, subject, comparison, .wall, reference: "Dovecot", unit: unit, note: figures, value: value
            )
            .target(.ratio, .atMost, unit == "us" || sessions == 1 ? 1 : 0.5))
    }

    /// Adds a row that was made elsewhere.
    func add(_ row: ResultRow) { rows.append(row) }

    private static func short(_ value: Double) -> String {
        value >= 100 ? String(Int(value.rounded())) : String((value * 100).rounded() / 100)
    }
}
