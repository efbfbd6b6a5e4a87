// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

public import Glibc

/// Reads the clocks: wall time, and the processor time of this thread, of this process or of another one.
public enum Stopwatch {
    /// Measures this thread.
    ///
    /// - Parameter work: what is measured; it stays on this thread.
    /// - Returns: the wall time and the processor time of this thread.
    /// - Throws: what the work throws.
    public static func measure(_ work: () throws -> Void) rethrows -> Cost {
        try read(CLOCK_THREAD_CPUTIME_ID, work)
    }

    /// Measures this process, all its threads together.
    ///
    /// - Parameter work: what is measured.
    /// - Returns: the wall time and the processor time of this process.
    /// - Throws: what the work throws.
    public static func measureProcess(_ work: () throws -> Void) rethrows -> Cost {
        try read(CLOCK_PROCESS_CPUTIME_ID, work)
    }

    /// Measures this process, all its threads together, while something is awaited.
    ///
    /// - Parameter work: what is measured.
    /// - Returns: the wall time and the processor time of this process.
    /// - Throws: what the work throws.
    public static func measureProcess(awaiting work: () async throws -> Void) async rethrows -> Cost {
        let (wall, cpu) = (nanoseconds(CLOCK_MONOTONIC), nanoseconds(CLOCK_PROCESS_CPUTIME_ID))
        try await work()
        return Cost(wall: nanoseconds(CLOCK_MONOTONIC) - wall, cpu: nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu)
    }

    /// Measures the wall time here and the processor time that another process spends meanwhile.
    ///
    /// - Parameters:
    ///   - process: the other process, which must live as long as the work.
    ///   - work: what is measured.
    /// - Returns: the wall time here and the processor time there.
    /// - Throws: ``BenchFailure`` when there is no such process; what the work throws.
    public static func measure(process: Int32, _ work: () throws -> Void) throws -> Cost {
        var clock: clockid_t = 0
        guard clock_getcpuclockid(process, &clock) == 0 else { throw BenchFailure("process \(process) is gone") }
        return try read(clock, work)
    }

    /// What a clock shows.
    ///
    /// - Parameter clock: the clock.
    /// - Returns: nanoseconds since the clock's own beginning.
    public static func nanoseconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }

    private static func read(_ clock: clockid_t, _ work: () throws -> Void) rethrows -> Cost {
        let (wall, cpu) = (nanoseconds(CLOCK_MONOTONIC), nanoseconds(clock))
        try work()
        return Cost(wall: nanoseconds(CLOCK_MONOTONIC) - wall, cpu: nanoseconds(clock) - cpu)
    }
}

/// Keeps a result alive, so that the work that made it is not optimised away.
///
/// - Parameter value: the result. Give it what a batch made, not each element: a call costs some nanoseconds.
@_optimize(none)
public func blackHole<T: ~Copyable>(_ value: borrowing T) {}
