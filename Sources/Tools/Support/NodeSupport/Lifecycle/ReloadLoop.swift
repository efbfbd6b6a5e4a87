// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ServiceLifecycle
internal import UnixSignals

/// Looks again at files that may have changed: on SIGHUP, and every so often.
package enum ReloadLoop {
    /// Calls a closure after each interval and on each SIGHUP, one call at a time, until the task is cancelled or a
    /// graceful stop begins.
    ///
    /// While this runs, SIGHUP does not end the process.
    ///
    /// - Parameters:
    ///   - interval: How long to wait between two looks.
    ///   - look: What to do; `isAsked` is true when a person sent SIGHUP.
    package static func run(
        every interval: Duration, _ look: @escaping @Sendable (_ isAsked: Bool) async -> Void
    ) async {
        let (triggers, continuation) = AsyncStream.makeStream(of: Bool.self, bufferingPolicy: .bufferingNewest(2))
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await _ in await UnixSignalsSequence(trapping: .sighup) { continuation.yield(true) }
                }
                group.addTask {
                    // Cancellation ends the sleep and so the loop.
                    while (try? await Task.sleep(for: interval)) != nil { continuation.yield(false) }
                    continuation.finish()
                }
                for await isAsked in triggers { await look(isAsked) }
                group.cancelAll()
            }
        }
    }
}
