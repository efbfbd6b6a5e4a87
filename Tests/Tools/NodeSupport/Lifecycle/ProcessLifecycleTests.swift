// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import Logging
import NodeSupport
import ServiceLifecycle
import Synchronization
import Testing
import UnixSignals

@Suite(.timeLimit(.minutes(10))) struct ProcessLifecycleTests {
    private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    /// Notes when it stopped; ends on a graceful stop.
    private struct Polite: Service {
        let name: String
        let journal: Journal

        func run() async throws {
            try? await gracefulShutdown()
            journal.note(name)
        }
    }

    private final class Journal: Sendable {
        private let entries = Mutex<[String]>([])
        func note(_ entry: String) { entries.withLock { $0.append(entry) } }
        var all: [String] { entries.withLock { $0 } }
    }

    /// Fails at once.
    private struct Failing: Service {
        struct Fault: Error {}
        func run() async throws { throw Fault() }
    }

    /// Ends at once.
    private struct Short: Service {
        func run() async throws {}
    }

    /// Hears neither a graceful stop nor cancellation; ends when told.
    private final class Deaf: Service {
        func run() async throws {
            await withUnsafeContinuation { continuation in waiter.withLock { $0 = continuation } }
        }
        private let waiter = Mutex<UnsafeContinuation<Void, Never>?>(nil)
        func end() { waiter.withLock { $0.take() }?.resume() }
    }

    /// Cancels nothing, stops only when cancelled.
    private struct Stubborn: Service {
        let journal: Journal
        func run() async throws {
            let (stream, _) = AsyncStream.makeStream(of: Void.self)
            for await _ in stream {}
            journal.note("cancelled")
        }
    }

    @Test func endsInReverseOrderWhenOneEnds() async throws {
        let journal = Journal()
        let lifecycle = ProcessLifecycle(logger: logger, limits: .patient, signals: []) { Issue.record("overrun") }
        try await lifecycle.run([
            Polite(name: "first", journal: journal), Polite(name: "second", journal: journal), Short(),
        ])
        #expect(journal.all == ["second", "first"])
    }

    @Test func passesOnWhatAServiceThrows() async throws {
        let journal = Journal()
        await #expect(throws: Failing.Fault.self) {
            try await ProcessLifecycle(logger: logger, limits: .patient, signals: []) { Issue.record("overrun") }.run([
                Polite(name: "other", journal: journal), Failing(),
            ])
        }
        #expect(journal.all == ["other"])
    }

    @Test func cancelsWhatDoesNotStop() async throws {
        let journal = Journal()
        var limits = ProcessLifecycle.Limits()
        limits.graceful = .milliseconds(20)
        limits.hard = .seconds(30)
        try await ProcessLifecycle(logger: logger, limits: limits, signals: []) { Issue.record("overrun") }
            .run([Stubborn(journal: journal), Short()])
        #expect(journal.all == ["cancelled"])
    }

    @Test func endsTheProcessWhenNothingHelps() async throws {
        let deaf = Deaf()
        let journal = Journal()
        var limits = ProcessLifecycle.Limits()
        limits.graceful = .milliseconds(10)
        limits.hard = .milliseconds(30)
        try await ProcessLifecycle(logger: logger, limits: limits, signals: []) {
            journal.note("overrun")
            deaf.end()
        }.run([deaf, Short()])
        #expect(journal.all == ["overrun"])
    }

    @Test func aSignalStopsTheServices() async throws {
        let journal = Journal()
        // SIGUSR1 is nobody else's in this process.
        try await ProcessLifecycle(logger: logger, limits: .patient, signals: [.sigusr1]) { Issue.record("overrun") }
            .run([
                Polite(name: "served", journal: journal), Signaller(),
            ])
        #expect(journal.all == ["served"])
    }

    /// Sends the signal once the group runs, then waits for the stop.
    private struct Signaller: Service {
        func run() async throws {
            kill(getpid(), SIGUSR1)
            try? await gracefulShutdown()
        }
    }
}

extension ProcessLifecycle.Limits {
    /// Limits that a machine under load keeps: an overrun would end the process of all tests.
    fileprivate static var patient: Self {
        var limits = Self()
        limits.graceful = .seconds(60)
        limits.hard = .seconds(120)
        return limits
    }
}
