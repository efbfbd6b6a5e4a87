// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// Work that may wait for long: it gets a thread of its own instead of one of the few that all tasks share.
enum OwnThread {
    /// The stack of such a thread: enough to walk a tree of folders a few thousand levels deep.
    static let stackBytes = 1 << 20

    /// Does work on a thread of its own.
    ///
    /// - Parameter work: what to do; it may block.
    /// - Returns: what it returned.
    /// - Throws: what it threw.
    static func run<Value: Sendable>(
        _ work: @escaping @Sendable () throws(RunFailure) -> Value
    ) async throws(RunFailure) -> Value {
        try await result(work).get()
    }

    /// Does work on a thread of its own.
    ///
    /// - Parameter work: what to do; it may block.
    /// - Returns: what it returned or threw.
    static func result<Value: Sendable>(
        _ work: @escaping @Sendable () throws(RunFailure) -> Value
    ) async -> Result<Value, RunFailure> {
        await withCheckedContinuation { continuation in
            start {
                do throws(RunFailure) {
                    continuation.resume(returning: .success(try work()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
    }

    /// Starts a thread; on the rare machine that has none left, does the work at once and here.
    ///
    /// - Parameter body: what the thread does.
    static func start(_ body: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(Box(body))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, stackBytes)
        pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, &attributes,
            { argument in
                // The argument is the box that was retained for this thread.
                if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, box.toOpaque())
        if code != 0 { box.takeRetainedValue().body() }
    }

    private final class Box: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}
