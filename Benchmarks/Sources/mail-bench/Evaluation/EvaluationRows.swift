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

    private func latencies(_ trial: Trial) -> [ResultRow] {
        let whole = trial.whole()
        return SessionCommand.Kind.allCases.flatMap { kind -> [ResultRow] in
            guard let series = whole.latencies[kind], !series.values.isEmpty else { return [] }
            let average = series.values.reduce(0, +) / Double(series.values.count)
            let note =
                "average \(Self.short(average)), p90 \(Self.short(series.percentile(90))), p99 \(Self.short(series.percentile(99)));"
                + " \(series.values.count) commands" + bySite(trial, kind)
            let subject = "\(kind.rawValue), \(name(trial))"
            var row = ResultRow(scenario, subject, series.median, "ms", note: note)
            if let peer = reference(of: trial) {
                row = ResultRow(
                    scenario, subject, compare(trial.medians(kind), peer.medians(kind)), .wall,
                    reference: peer.service.name,
                    unit: "ms", note: note
                ) { _ in series.median }
                row.cpuNanoseconds = nil
                if SessionCommand.Kind.writes.contains(kind) { row = row.target(.ratio, .atMost, 1) }
            }
            guard SessionCommand.Kind.writes.contains(kind) else { return [row] }
            let others = [90.0, 99].map { percent in
                (percent, ResultRow(scenario, "\(subject), p\(Int(percent))", series.percentile(percent), "ms"))
            }
            // Two commands are enough for a plot that can be read.
            guard kind == .append || kind == .store else { return [row] + others.map(\.1) }
            let curve = "\(kind.rawValue), \(trial.service.name)"
            return [row.at("percentile", 50, curve)] + others.map { $1.at("percentile", $0, curve) }
        }
    }

    /// The medians of each region where there are several.
    private func bySite(_ trial: Trial, _ kind: SessionCommand.Kind) -> String {
        let sites = trial.rounds.first?.count ?? 0
        guard sites > 1 else { return "" }
        return "; medians "
            + (0..<sites).map { site in
                "\(trial.service.sites[site].region) \(Self.short(trial.whole(site).latencies[kind]?.median ?? 0))"
            }.joined(separator: ", ")
    }

    private func throughput(_ trial: Trial) -> ResultRow {
        let whole = trial.whole()
        let perSecond = Series(trial.intervals.map { 1e9 / max($0, 1) }).median
        let parts = zip(trial.service.nodes, trial.processor).map { "\($0.name) \(Int($1.median))" }
        let total = trial.processor.reduce(0) { $0 + $1.median }
        var note = "\(whole.commands) commands; processor \(Int(total)) us each (\(parts.joined(separator: ", ")))"
        if let first = whole.refused.first {
            note += "; \(whole.refused.count) sessions ended early, the first: \(first)"
        }
        let subject = "throughput, \(name(trial))"
        guard let peer = reference(of: trial) else {
            return ResultRow(scenario, subject, perSecond, "commands/s", note: note)
        }
        var row = ResultRow(
            scenario, subject, compare(trial.intervals, peer.intervals), .wall, reference: peer.service.name,
            unit: "commands/s", note: note
        ) { _ in perSecond }
        row.cpuNanoseconds = nil
        return row
    }

    private func lags(_ trial: Trial) -> [ResultRow] {
        guard trial.service.sites.count > 1 else { return [] }
        let (seconds, lost) = trial.lag.lags
        let (kilobytes, area, unsettled) = trial.size.outstanding
        let average = seconds.values.reduce(0, +) / Double(max(seconds.values.count, 1))
        let mean = kilobytes.values.reduce(0, +) / Double(max(kilobytes.values.count, 1))
        var rows = [
            ResultRow(
                scenario, "lag, \(name(trial))", seconds.median * 1_000, "ms",
                note: "average \(Self.short(average * 1_000)), p90 \(Self.short(seconds.percentile(90) * 1_000)), "
                    + "p99 \(Self.short(seconds.percentile(99) * 1_000)), longest \(Self.short(seconds.maximum * 1_000)); "
                    + "\(seconds.values.count) mails" + (lost > 0 ? ", \(lost) not seen within a minute" : "")),
            ResultRow(
                scenario, "outstanding mail, average, \(name(trial))", mean, "kB",
                note:
                    "median \(Self.short(kilobytes.median)), most \(Self.short(kilobytes.maximum)); \(kilobytes.values.count) looks"
                    + (unsettled > 0 ? "; \(Self.short(unsettled)) kB never arrived" : "")),
            ResultRow(scenario, "outstanding mail, area, \(name(trial))", area, "MB*s"),
        ]
        if let peer = reference(of: trial) {
            let (other, _) = peer.lag.lags
            let sizes = peer.size.outstanding
            let otherMean = sizes.kilobytes.values.reduce(0, +) / Double(max(sizes.kilobytes.values.count, 1))
            rows[0] = Self.ratio(rows[0], seconds.median, other.median, peer)
            rows[1] = Self.ratio(rows[1], mean, otherMean, peer)
            rows[2] = Self.ratio(rows[2], area, sizes.area, peer)
        }
        return rows
    }

    /// A row with a ratio of the whole run: the lag at least ten times less than the peer's.
    private static func ratio(_ row: ResultRow, _ value: Double, _ other: Double, _ peer: Trial) -> ResultRow {
        guard other > 0 else { return row }
        var row = row
        (row.reference, row.ratioMedian, row.ratioMinimum) = (peer.service.name, value / other, value / other)
        return row.target(.ratio, .atMost, 0.1)
    }

    private func compare(_ mine: [Double], _ others: [Double]) -> Comparison {
        Comparison(subject: mine.map { Cost(wall: $0, cpu: 0) }, reference: others.map { Cost(wall: $0, cpu: 0) })
    }

    private static func short(_ value: Double) -> String {
        value >= 100 ? String(Int(value.rounded())) : String((value * 100).rounded() / 100)
    }
}
