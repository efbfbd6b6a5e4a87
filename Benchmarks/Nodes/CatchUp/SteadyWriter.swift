// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import MailStore
internal import Synchronization

/// A client that changes a flag at fixed times, whatever became of the changes before, and notes how long each took.
final class SteadyWriter: Sendable {
    /// The times between two changes.
    static let interval = Duration.milliseconds(20)

    private let latencies = Mutex<[Double]>([])

    /// Writes until it is cancelled.
    func run(_ store: MailStore) async throws {
        let account = try await store.account(named: "steady")
        let body = Array("Subject: steady\r\n\r\nx".utf8)
        let upload = try await account.beginUpload(
            to: "INBOX", size: UInt64(body.count), flags: MessageFlagNames(), date: nil)
        await upload.write(body)
        guard let uid = try await upload.finish().uid else { throw BenchFailure("the steady message has no UID") }
        let inbox = try await account.open("INBOX") {}
        defer { inbox.close() }
        let clock = ContinuousClock()
        var due = clock.now
        var isFlagged = false
        while true {
            due += Self.interval
            try await clock.sleep(until: due)
            isFlagged.toggle()
            let names = MessageFlagNames(system: .flagged)
            _ = try await inbox.store([uid], isFlagged ? .add(names) : .remove(names))
            _ = inbox.takeNotices()
            let spent = clock.now - due
            latencies.withLock { $0.append(spent.seconds) }
        }
    }

    /// The latencies since the last call, in seconds, ascending.
    func take() -> [Double] {
        latencies.withLock { values in
            defer { values = [] }
            return values.sorted()
        }
    }
}

extension Duration {
    /// The duration in seconds.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

extension [Double] {
    /// The value below which a share of the ascending values lies.
    func percentile(_ share: Double) -> Double {
        isEmpty ? 0 : self[Swift.min(count - 1, Int(Double(count) * share))]
    }
}
