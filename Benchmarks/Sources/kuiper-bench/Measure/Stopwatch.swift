// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// What something took, in nanoseconds.
struct Cost {
    var wall: Double
    var cpu: Double

    /// The cost of one of `count` equal steps.
    func divided(by count: Int) -> Cost { Cost(wall: wall / Double(max(count, 1)), cpu: cpu / Double(max(count, 1))) }
}

/// Reads the clocks: wall time, and the processor time of this thread or of another process.
enum Stopwatch {
    /// Measures this thread.
    static func measure(_ work: () throws -> Void) rethrows -> Cost {
        let (wall, cpu) = (nanoseconds(CLOCK_MONOTONIC), nanoseconds(CLOCK_THREAD_CPUTIME_ID))
        try work()
        return Cost(wall: nanoseconds(CLOCK_MONOTONIC) - wall, cpu: nanoseconds(CLOCK_THREAD_CPUTIME_ID) - cpu)
    }

    /// Measures the wall time here and the processor time that another process spends meanwhile.
    static func measure(process: Int32, _ work: () throws -> Void) throws -> Cost {
        var clock: clockid_t = 0
        guard clock_getcpuclockid(process, &clock) == 0 else { throw BenchFailure("process \(process) is gone") }
        let (wall, cpu) = (nanoseconds(CLOCK_MONOTONIC), nanoseconds(clock))
        try work()
        return Cost(wall: nanoseconds(CLOCK_MONOTONIC) - wall, cpu: nanoseconds(clock) - cpu)
    }

    static func nanoseconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }
}

/// Keeps a result alive, so that the work that made it is not optimised away.
@_optimize(none)
func blackHole<T: ~Copyable>(_ value: borrowing T) {}
