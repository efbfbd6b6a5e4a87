// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Dispatch
internal import Glibc
package import Logging
package import ServiceLifecycle
internal import Synchronization
package import UnixSignals

/// Runs a process's services until SIGTERM or SIGINT, and ends in bounded time.
package struct ProcessLifecycle: Sendable {
    /// How long stopping may take.
    package struct Limits: Hashable, Sendable {
        /// How long services may take to stop gracefully before they are cancelled.
        package var graceful: Duration = .milliseconds(1_500)
        /// How long after the signal the process ends in any case; what was acknowledged is in the log by then.
        package var hard: Duration = .milliseconds(1_900)

        /// The documented defaults, which keep the promise to end within 2 seconds.
        package init() {}
    }

    /// The exit status when services did not stop in time.
    package static let overrunStatus: Int32 = 70

    private let logger: Logger
    private let limits: Limits
    private let signals: [UnixSignal]
    private let onOverrun: @Sendable () -> Void

    /// Creates a life cycle.
    ///
    /// - Parameters:
    ///   - logger: Told about stopping and overruns.
    ///   - limits: How long stopping may take.
    ///   - signals: What asks the process to stop.
    ///   - onOverrun: Ends the process when stopping takes longer than ``Limits/hard``; by default at once with
    ///     ``overrunStatus``.
    package init(
        logger: Logger, limits: Limits = Limits(), signals: [UnixSignal] = [.sigterm, .sigint],
        onOverrun: @escaping @Sendable () -> Void = { _exit(ProcessLifecycle.overrunStatus) }
    ) {
        self.logger = logger
        self.limits = limits
        self.signals = signals
        self.onOverrun = onOverrun
    }

    /// Runs services until all end, one fails, or a signal asks to stop.
    ///
    /// They stop in the reverse of the given order.
    ///
    /// - Parameter services: The services; the first is the one that others build on.
    /// - Throws: What a service threw.
    package func run(_ services: [any Service]) async throws {
        let watchdog = Watchdog(limit: limits.hard, logger: logger, onOverrun: onOverrun)
        var configuration = ServiceGroupConfiguration(
            services: services.map {
                .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup)
            }, gracefulShutdownSignals: signals, logger: logger)
        configuration.services.append(
            .init(service: watchdog, successTerminationBehavior: .ignore, serviceName: "watchdog"))
        configuration.maximumGracefulShutdownDuration = limits.graceful
        defer { watchdog.disarm() }
        // A group that had to cancel its services stopped as it was asked to.
        do { try await ServiceGroup(configuration: configuration).run() } catch is CancellationError {}
    }
}

/// Ends a process that does not stop.
///
/// Its timer runs on a thread of its own, so that blocked pools and loops cannot hold it up.
private final class Watchdog: Service {
    private let limit: Duration
    private let logger: Logger
    private let onOverrun: @Sendable () -> Void
    private let queue = DispatchQueue(label: "kuiper.watchdog")
    private let isDisarmed = Atomic<Bool>(false)

    init(limit: Duration, logger: Logger, onOverrun: @escaping @Sendable () -> Void) {
        self.limit = limit
        self.logger = logger
        self.onOverrun = onOverrun
    }

    /// Waits for the signal, then starts the timer; ends at once so that the others can stop.
    func run() async throws {
        // Cancellation without a graceful stop means a service failed; the same limit holds.
        try? await gracefulShutdown()
        logger.info("stopping")
        let (seconds, attoseconds) = limit.components
        let nanoseconds = Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
        queue.asyncAfter(deadline: .now() + .nanoseconds(nanoseconds)) { [self] in
            guard !isDisarmed.load(ordering: .acquiring) else { return }
            logger.critical("services did not stop in time; ending the process")
            onOverrun()
        }
    }

    func disarm() {
        isDisarmed.store(true, ordering: .releasing)
    }
}
