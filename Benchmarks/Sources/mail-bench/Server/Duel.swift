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

    /// Ends both and starts them again with the mail that they have; there are no sessions afterwards.
    func restart() throws {
        sides = []
        try pluto.restart()
        dovecot?.stop()
        try dovecot?.start()
    }

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
        try row(subject, sessions, times, step, \.median, unit: "us", note: "median of each round") { $0 / 1_000 }
    }

    /// Measures how many commands end in a second, in turns.
    func throughput(_ subject: String, sessions: Int, times: Int, _ step: Step) throws {
        try row(subject, sessions, times, step, \.interval, unit: "per s", note: nil) { $0 > 0 ? 1e9 / $0 : 0 }
    }

    private func row(
        _ subject: String, _ sessions: Int, _ times: Int, _ step: Step, _ cost: KeyPath<Timing, Cost>, unit: String,
        note: String?, value: (Double) -> Double
    ) throws {
        let subject = "\(subject), \(sessions) session\(sessions == 1 ? "" : "s")"
        guard sides.count > 1 else {
            let costs = try (0...bench.rounds).map { _ in
                try sides[0].measure(sessions, times: times, step)[keyPath: cost].wall
            }
            rows.append(ResultRow(scenario, subject, Series(costs.dropFirst().map(value)), unit, note: note))
            return
        }
        var answered = AnswerTally()
        let comparison = try Comparison(
            rounds: bench.rounds,
            subject: {
                let timing = try sides[0].measure(sessions, times: times, step)
                answered = timing.tally
                return timing[keyPath: cost]
            },
            reference: {
                let timing = try sides[1].measure(sessions, times: times, step)
                try Self.compare(answered, timing.tally, step.answer, subject)
                return timing[keyPath: cost]
            })
        let figures =
            "Dovecot \(TextTable.number(comparison.referenceCosts(.wall).median.map(value))) \(unit); processor "
            + "\(TextTable.time(comparison.costs(.cpu).median)) beside \(TextTable.time(comparison.referenceCosts(.cpu).median))"
        rows.append(
            ResultRow(
                scenario, subject, comparison, .wall, reference: "Dovecot", unit: unit, note: figures, value: value
            )
            .target(.ratio, .atMost, unit == "us" || sessions == 1 ? 1 : 0.5))
    }

    /// Ends the scenario when the two did not do the same work.
    static func compare(
        _ mine: AnswerTally, _ other: AnswerTally, _ answer: AnswerTally.Answer, _ subject: String
    ) throws {
        let texts = (mine.text(answer), other.text(answer))
        guard texts.0 == texts.1 else {
            throw BenchFailure("\(subject): pluto answered with \(texts.0), Dovecot with \(texts.1)")
        }
    }

    /// Adds a row that was made elsewhere.
    func add(_ row: ResultRow) { rows.append(row) }
}
