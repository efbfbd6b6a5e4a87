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
        let series = try Crew.run(sessions) { [self] number in
            var found: [Double] = []
            found.reserveCapacity(times)
            let client = clients[number]
            for index in 0..<times {
                try step.prepare(client, number, index)
                let start = Stopwatch.nanoseconds(CLOCK_MONOTONIC)
                try step.measured(client, number, index)
                found.append(Stopwatch.nanoseconds(CLOCK_MONOTONIC) - start)
            }
            return found
        }
        let wall = Stopwatch.nanoseconds(CLOCK_MONOTONIC) - start
        let spent = service.processes.processorNanoseconds(since: before)
        return Timing(steps: Series(series.flatMap { $0 }), wall: wall, cpu: spent / Double(max(sessions * times, 1)))
    }
}

/// One command that is measured again and again.
struct Step: Sendable {
    typealias Work = @Sendable (_ client: MailClient, _ session: Int, _ index: Int) throws -> Void

    /// What has to be done before each command; its time does not count.
    let prepare: Work
    let measured: Work

    init(prepare: @escaping Work = { _, _, _ in }, _ measured: @escaping Work) {
        (self.prepare, self.measured) = (prepare, measured)
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

    /// The median of the steps.
    var median: Cost { Cost(wall: steps.median, cpu: cpu) }
    /// The time between the ends of two steps of all sessions together.
    var interval: Cost { Cost(wall: wall / Double(max(steps.values.count, 1)), cpu: cpu) }
}
