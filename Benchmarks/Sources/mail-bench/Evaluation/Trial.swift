// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// A service under the workload, with what was found so far.
final class Trial {
    let service: any ReplicatedService
    /// The outcomes of each round, at each writing site.
    private(set) var rounds: [[Workload.Outcome]] = []
    /// Each node's processor time for a command, by rounds, in microseconds.
    private(set) var processor: [Series]
    let lag: LagProbe
    let size: SizeProbe
    private let workload: Workload
    private let writers: Int

    /// Gets ready: from now on what one site takes is at the others after a while.
    init(_ service: any ReplicatedService, writers: Int, _ workload: Workload) throws {
        (self.service, self.writers, self.workload) = (service, writers, workload)
        processor = service.nodes.map { _ in Series() }
        lag = try LagProbe(service.sites, writers: Array(0..<writers))
        size = SizeProbe(service.sites)
    }

    /// Runs some sessions while the probes look, and waits until all sites have everything.
    ///
    /// - Parameters:
    ///   - sessions: their numbers.
    ///   - counts: false for a warm-up.
    /// - Throws: `BenchFailure`.
    func run(_ sessions: Range<Int>, counts: Bool) throws {
        let probes = counts ? lag.begin() + [size.begin()].compactMap { $0 } : []
        let before = service.nodes.map { ProcessTree(roots: [$0.process]).processorNanoseconds }
        let outcomes = try workload.run(sessions, at: Array(service.sites.prefix(writers)))
        let spent = zip(service.nodes, before).map { ProcessTree(roots: [$0.process]).processorNanoseconds - $1 }
        lag.end()
        size.end()
        for probe in probes { try probe.result().get() }
        guard counts else { return }
        rounds.append(outcomes)
        let commands = Double(max(outcomes.reduce(0) { $0 + $1.commands }, 1))
        for (node, time) in spent.enumerated() { processor[node].add(time / 1_000 / commands) }
    }

    /// Everything of one site, or of all.
    func whole(_ site: Int? = nil) -> Workload.Outcome {
        var outcome = Workload.Outcome()
        for round in rounds {
            for (index, part) in round.enumerated() where site == nil || index == site { outcome.add(part) }
        }
        return outcome
    }

    /// The median of each round in milliseconds; nil for a round in which no such command succeeded.
    func medians(_ kind: SessionCommand.Kind) -> [Double?] {
        rounds.map { parts in
            var series = Series()
            for part in parts { for value in part.latencies[kind]?.values ?? [] { series.add(value) } }
            return series.median
        }
    }

    /// The time between two commands in milliseconds, by rounds; nil for a round without any.
    var intervals: [Double?] {
        rounds.map { parts in
            let seconds = parts.map(\.seconds).max() ?? 0
            let commands = parts.reduce(0) { $0 + $1.commands }
            return commands > 0 ? seconds * 1e3 / Double(commands) : nil
        }
    }

    /// How many commands and sessions there were to be, and how many of them were refused.
    var attempts: (all: Int, refused: Int) {
        let whole = whole()
        let logins = whole.latencies[.login]?.values.count ?? 0
        return (whole.commands + logins + whole.refused.count, whole.refused.count)
    }
}
