// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Synchronization

#if canImport(Glibc)
private import Glibc
#elseif canImport(Darwin)
private import Darwin
#elseif canImport(Musl)
private import Musl
#endif

/// Which seeds are run, and how far that is. `KUIPER_SEEDS=1000` asks for so many, from `KUIPER_FIRST_SEED` on; `KUIPER_SEED=42` replays one exactly and prints
/// what happened.
enum SeedRun {
    private struct Progress {
        var next: UInt64
        var finished: UInt64 = 0
        var virtualMilliseconds: UInt64 = 0
        var failed: [UInt64] = []
    }

    /// Without optimisation a seed takes a second, and other tests want the machine too.
    #if DEBUG
    private static let defaultSeeds: UInt64 = 16
    #else
    private static let defaultSeeds: UInt64 = 200
    #endif

    /// So many failures are enough to know.
    private static let maximumFailures = 25

    private static func setting(_ name: String) -> UInt64? {
        getenv(name).flatMap { UInt64(String(cString: $0)) }
    }

    static let replayed = setting("KUIPER_SEED")
    private static let first = replayed ?? setting("KUIPER_FIRST_SEED") ?? 0
    private static let count = replayed == nil ? setting("KUIPER_SEEDS") ?? defaultSeeds : 1
    private static let progress = Mutex(Progress(next: first))

    static var isReplay: Bool { replayed != nil }

    /// Each takes the next seed when it has done one; the test library runs as many of them at once as there are processors.
    static var workers: Range<Int> { 0..<(isReplay ? 1 : 4) }

    /// The next seed, or nil if there is none.
    static func next() -> UInt64? {
        progress.withLock { progress in
            guard progress.next - first < count, progress.failed.count < maximumFailures else { return nil }
            defer { progress.next += 1 }
            return progress.next
        }
    }

    /// Says now and then how far the run is, and at once what failed.
    static func finished(_ seed: UInt64, failure: String?, virtualMilliseconds: UInt64) {
        let (now, isWorthALine) = progress.withLock { progress in
            progress.finished += 1
            progress.virtualMilliseconds += virtualMilliseconds
            if failure != nil { progress.failed.append(seed) }
            return (progress, progress.finished % max(count / 20, 1) == 0 || progress.finished == count)
        }
        if let failure { print("simulation: seed \(seed) failed: \(failure)\n  replay: make simulate SEED=\(seed)") }
        if isWorthALine {
            print(
                "simulation: \(now.finished) of \(count) seeds, \(now.virtualMilliseconds / 1_000) s of virtual time, \(now.failed.count) failed"
            )
        }
        if failure != nil || isWorthALine { fflush(nil) }
    }
}
