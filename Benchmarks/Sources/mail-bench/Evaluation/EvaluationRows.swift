// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// The lines of the paper's table.
struct EvaluationRows {
    let scenario: String
    let trials: [Trial]
    let regions: Int

    /// All lines: pluto's with their ratios to Dovecot dsync, then those of the others.
    var all: [ResultRow] { trials.flatMap { latencies($0) + [throughput($0)] + lags($0) } }

    private var peer: Trial? { trials.count > 1 ? trials[1] : nil }

    /// The peer of the first service; the others stand alone.
    private func reference(of trial: Trial) -> Trial? { trial === trials.first ? peer : nil }

    private func name(_ trial: Trial) -> String {
        trial === trials.first ? "pluto, \(regions) regions" : trial.service.name
    }

    // MARK: Lines

    /// A line of rounds, with the ratios to the peer's when the trial has one.
    private func row(
        _ trial: Trial, _ subject: String, _ unit: String, lost: Int = 0, note: String? = nil,
        _ rounds: (Trial) -> [Double?]
    ) -> ResultRow {
        let mine = rounds(trial)
        var (all, refused) = trial.attempts
        guard let peer = reference(of: trial) else {
            let missing = mine.count { $0 == nil }
            return ResultRow(scenario, "\(subject), \(name(trial))", Series(mine.compactMap { $0 }), unit, note: note)
                .doubting(missing > 0 ? "\(missing) rounds without a figure" : nil)
                .failures(refused: refused, lost: lost, of: all + lost)
        }
        // When the peer refuses, it has less to do.
        let theirs = peer.attempts
        (all, refused) = (all + theirs.all, refused + theirs.refused)
        return ResultRow(
            scenario, "\(subject), \(name(trial))", mine, unit, reference: peer.service.name, rounds(peer), note: note
        ).failures(refused: refused, lost: lost, of: all + lost)
    }

    private func latencies(_ trial: Trial) -> [ResultRow] {
        let whole = trial.whole()
        return SessionCommand.Kind.allCases.flatMap { kind -> [ResultRow] in
            // Without reads there are none.
            guard trials.contains(where: { $0.whole().latencies[kind] != nil }) else { return [] }
            let series = whole.latencies[kind] ?? Series()
            let note =
                "average \(TextTable.number(series.mean)), p90 \(TextTable.number(series.percentile(90))), "
                + "p99 \(TextTable.number(series.percentile(99))); \(series.values.count) commands"
                + bySite(trial, kind)
            var row = self.row(trial, kind.rawValue, "ms", note: note) { $0.medians(kind) }
                .doubting(difference(trial, kind))
            row.wallNanoseconds = row.value.map { $0 * 1e6 }
            guard SessionCommand.Kind.writes.contains(kind) else { return [row] }
            if reference(of: trial) != nil { row = row.target(.ratio, .atMost, 1) }
            let others = [90.0, 99].map { percent in
                (
                    percent,
                    ResultRow(
                        scenario, "\(kind.rawValue), \(name(trial)), p\(Int(percent))", series.percentile(percent), "ms"
                    )
                )
            }
            // Two commands are enough for a plot that can be read.
            guard kind == .append || kind == .store else { return [row] + others.map(\.1) }
            let curve = "\(kind.rawValue), \(trial.service.name)"
            return [row.at("percentile", 50, curve)] + others.map { $1.at("percentile", $0, curve) }
        }
    }

    /// What the answers of the peer were that differ from those of this service; nil when both did the same work.
    private func difference(_ trial: Trial, _ kind: SessionCommand.Kind) -> String? {
        guard let peer = reference(of: trial) else { return nil }
        let (mine, theirs) = (trial.whole(), peer.whole())
        // Sessions that have ended early explain a difference, and there is no verdict then.
        guard mine.refused.isEmpty, theirs.refused.isEmpty else { return nil }
        let texts = [mine, theirs].map { ($0.answers[kind] ?? AnswerTally()).text(kind.answer) }
        return texts[0] == texts[1] ? nil : "\(texts[0]) beside \(texts[1])"
    }

    /// The medians of each region where there are several.
    private func bySite(_ trial: Trial, _ kind: SessionCommand.Kind) -> String {
        let sites = trial.rounds.first?.count ?? 0
        guard sites > 1 else { return "" }
        return "; medians "
            + (0..<sites).map { site in
                "\(trial.service.sites[site].region) \(TextTable.number(trial.whole(site).latencies[kind]?.median))"
            }.joined(separator: ", ")
    }

    private func throughput(_ trial: Trial) -> ResultRow {
        let whole = trial.whole()
        let parts = zip(trial.service.nodes, trial.processor).map { "\($0.name) \(TextTable.number($1.median))" }
        let total = trial.processor.reduce(0) { $0 + ($1.median ?? 0) }
        var note =
            "\(whole.commands) commands; processor \(TextTable.number(total)) us each (\(parts.joined(separator: ", ")))"
        if let first = whole.refused.first {
            note += "; \(whole.refused.count) sessions ended early, the first: \(first)"
        }
        // The ratio is that of the times between two commands, as everywhere.
        var row = self.row(trial, "throughput", "commands/s", note: note, \.intervals)
        row.value = row.value.map { 1e3 / $0 }
        return row
    }

    private func lags(_ trial: Trial) -> [ResultRow] {
        guard trial.service.sites.count > 1 else { return [] }
        let (lost, theirs) = (trial.lag.lags.lost, reference(of: trial)?.lag.lags.lost ?? 0)
        let seconds = Series(trial.lag.lags.rounds.flatMap(\.values).map { $0 * 1_000 })
        let kilobytes = Series(trial.size.rounds.flatMap(\.kilobytes.values))
        let unsettled = trial.size.rounds.reduce(0) { $0 + $1.unsettled }
        let doubt =
            [trial, reference(of: trial)].compactMap(\.self).contains { $0.size.rounds.contains { $0.unsettled > 0 } }
            ? "some mail never arrived" : nil
        let rows = [
            row(
                trial, "lag", "ms", lost: lost + theirs,
                note: "average \(TextTable.number(seconds.mean)), p90 \(TextTable.number(seconds.percentile(90))), "
                    + "p99 \(TextTable.number(seconds.percentile(99))), longest \(TextTable.number(seconds.maximum)); "
                    + "\(seconds.values.count) mails" + (lost > 0 ? ", \(lost) not seen within a minute" : "")
            ) { $0.lag.lags.rounds.map { $0.median.map { $0 * 1_000 } } },
            row(
                trial, "outstanding mail, average", "kB",
                note: "median \(TextTable.number(kilobytes.median)), most \(TextTable.number(kilobytes.maximum)); "
                    + "\(kilobytes.values.count) looks"
                    + (unsettled > 0 ? "; \(TextTable.number(unsettled)) kB never arrived" : "")
            ) { $0.size.rounds.map(\.kilobytes.mean) }.doubting(doubt),
            row(trial, "outstanding mail, area", "MB*s") { $0.size.rounds.map(\.area) }.doubting(doubt),
        ]
        // The lag is to be at least ten times less than the peer's.
        return reference(of: trial) == nil ? rows : rows.map { $0.target(.ratio, .atMost, 0.1) }
    }
}
