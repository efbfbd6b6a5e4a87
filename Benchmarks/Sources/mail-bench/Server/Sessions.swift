// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Foundation

/// Logged-in sessions with one service, each of a user of its own.
final class Sessions: @unchecked Sendable {
    // Each client is used by one thread at a time: the one with its number.
    private let clients: [MailClient]
    let service: any MailService

    /// Logs in.
    init(_ service: any MailService, count: Int) throws {
        self.service = service
        clients = try (1...count).map {
            try MailClient(port: service.port, context: service.context, user: MailUsers.name($0))
        }
    }

    var count: Int { clients.count }

    /// Does something in each of the first sessions at the same time.
    func each(_ sessions: Int, _ work: @escaping @Sendable (MailClient, Int) throws -> Void) throws {
        _ = try Crew.run(sessions) { [self] number in try work(clients[number], number) }
    }

    /// Repeats a step in each of the first sessions at the same time.
    ///
    /// - Returns: what the steps took.
    func measure(_ sessions: Int, times: Int, _ step: Step) throws -> Timing {
        let before = service.processes.processorNanoseconds
        let start = Stopwatch.nanoseconds(CLOCK_MONOTONIC)
        let parts = try Crew.run(sessions) { [self] number in
            var found: [Double] = []
            found.reserveCapacity(times)
            var tally = AnswerTally()
            let client = clients[number]
            for index in 0..<times {
                try step.prepare(client, number, index)
                let start = Stopwatch.nanoseconds(CLOCK_MONOTONIC)
                try step.measured(client, number, index)
                found.append(Stopwatch.nanoseconds(CLOCK_MONOTONIC) - start)
                tally.add(client.tally)
            }
            return (found, tally)
        }
        let wall = Stopwatch.nanoseconds(CLOCK_MONOTONIC) - start
        let spent = max(service.processes.processorNanoseconds - before, 0)
        var tally = AnswerTally()
        for part in parts { tally.add(part.1) }
        return Timing(
            steps: Series(parts.flatMap { $0.0 }), wall: wall, cpu: spent / Double(max(sessions * times, 1)),
            tally: tally)
    }
}

/// One command that is measured again and again.
struct Step: Sendable {
    typealias Work = @Sendable (_ client: MailClient, _ session: Int, _ index: Int) throws -> Void

    /// What the answers of all servers have to agree in.
    let answer: AnswerTally.Answer
    /// What has to be done before each command; its time does not count.
    let prepare: Work
    let measured: Work

    /// A command.
    ///
    /// - Parameters:
    ///   - answer: what the answers of all servers have to agree in.
    ///   - prepare: what has to be done before.
    ///   - measured: the command itself, one.
    init(_ answer: AnswerTally.Answer, prepare: @escaping Work = { _, _, _ in }, _ measured: @escaping Work) {
        (self.answer, self.prepare, self.measured) = (answer, prepare, measured)
    }
}

/// What some steps took.
struct Timing {
    /// Each step's time in nanoseconds.
    let steps: Series
    /// From the first step's beginning to the last one's end.
    let wall: Double
    /// The service's processor time for one step.
    let cpu: Double
    /// What all steps were answered with.
    let tally: AnswerTally

    /// The median of the steps.
    var median: Cost { Cost(wall: steps.median ?? 0, cpu: cpu) }
    /// The time between the ends of two steps of all sessions together.
    var interval: Cost { Cost(wall: wall / Double(max(steps.values.count, 1)), cpu: cpu) }
}
