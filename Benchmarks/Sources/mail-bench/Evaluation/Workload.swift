// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Glibc
internal import Synchronization

/// Runs sessions of the workload against a service and notes what each command took.
struct Workload: Sendable {
    let seed: UInt64
    let users: Int
    let reads: Bool
    /// How many sessions there are at the same time, in all regions together.
    let concurrency: Int

    /// What some sessions took.
    struct Outcome: Sendable {
        /// Milliseconds of each command.
        var latencies: [SessionCommand.Kind: Series] = [:]
        /// What all commands of a kind were answered with.
        var answers: [SessionCommand.Kind: AnswerTally] = [:]
        var commands = 0
        /// Sessions that ended early because the server refused a command or was gone.
        var refused: [String] = []
        var seconds = 0.0

        mutating func add(_ other: Outcome) {
            for (kind, series) in other.latencies {
                for value in series.values { latencies[kind, default: Series()].add(value) }
            }
            for (kind, tally) in other.answers { answers[kind, default: AnswerTally()].add(tally) }
            commands += other.commands
            refused += other.refused
            seconds = max(seconds, other.seconds)
        }
    }

    /// Runs sessions.
    ///
    /// - Parameters:
    ///   - sessions: the numbers of the sessions.
    ///   - sites: where they connect; each site gets the same number of threads, which take the next session when they have ended one.
    /// - Returns: the outcome at each site.
    /// - Throws: `BenchFailure` when a site cannot be reached.
    func run(_ sessions: Range<Int>, at sites: [Site]) throws -> [Outcome] {
        let queue = SessionQueue(sessions)
        let threads = max(concurrency / sites.count, 1)
        let outcomes = try Crew.run(threads * sites.count) { thread in
            let site = sites[thread % sites.count]
            var outcome = Outcome()
            let start = Stopwatch.nanoseconds(CLOCK_MONOTONIC)
            while let number = queue.next() { try run(number, at: site, &outcome) }
            outcome.seconds = (Stopwatch.nanoseconds(CLOCK_MONOTONIC) - start) / 1e9
            return outcome
        }
        return sites.indices.map { index in
            var whole = Outcome()
            for (thread, outcome) in outcomes.enumerated() where thread % sites.count == index { whole.add(outcome) }
            return whole
        }
    }

    private func run(_ number: Int, at site: Site, _ outcome: inout Outcome) throws {
        var script = SessionScript(number: number, seed: seed, users: users, reads: reads)
        var text = MailText(seed: seed &+ UInt64(number) &* 7_919)
        do {
            let start = Stopwatch.nanoseconds(CLOCK_MONOTONIC)
            let client = try site.client(script.user)
            outcome.note(.login, since: start)
            while let command = script.next() {
                var mail: [UInt8] = []
                if case .append(let mailbox, let lines) = command {
                    mail = text.mail(subject: "to \(mailbox)", lines: lines)
                }
                let start = Stopwatch.nanoseconds(CLOCK_MONOTONIC)
                try Self.send(command, mail, client)
                outcome.note(command.kind, since: start)
                outcome.answers[command.kind, default: AnswerTally()].add(client.tally)
                outcome.commands += 1
            }
            try client.logout()
        } catch let refusal as CommandRefused {
            outcome.refused.append(refusal.description)
        } catch let failure as BenchFailure {
            outcome.refused.append(failure.message)
        }
    }

    private static func send(_ command: SessionCommand, _ mail: [UInt8], _ client: MailClient) throws {
        switch command {
        case .create(let name): try client.command("CREATE \(name)")
        case .delete(let name): try client.command("DELETE \(name)")
        case .append(let name, _): try client.append(mail, to: name)
        case .select(let name): try client.command("SELECT \(name)")
        case .store(let message, let flags): try client.command("STORE \(message) +FLAGS.SILENT (\(flags))")
        case .expunge: try client.command("EXPUNGE")
        case .fetchFlags: try client.command("FETCH 1:* (FLAGS)")
        case .fetchHeader(let message): try client.command("FETCH \(message) (BODY.PEEK[HEADER])")
        case .fetchBody(let message): try client.command("FETCH \(message) (BODY.PEEK[])")
        case .search: try client.command("SEARCH UNSEEN SUBJECT to")
        }
    }
}

extension Workload.Outcome {
    fileprivate mutating func note(_ kind: SessionCommand.Kind, since start: Double) {
        latencies[kind, default: Series()].add((Stopwatch.nanoseconds(CLOCK_MONOTONIC) - start) / 1e6)
    }
}

/// The sessions that nobody has taken yet.
private final class SessionQueue: Sendable {
    private let position: Atomic<Int>
    private let end: Int

    init(_ sessions: Range<Int>) {
        position = Atomic(sessions.lowerBound)
        end = sessions.upperBound
    }

    func next() -> Int? {
        let number = position.wrappingAdd(1, ordering: .relaxed).oldValue
        return number < end ? number : nil
    }
}
