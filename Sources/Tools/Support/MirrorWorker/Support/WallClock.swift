// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
package import SyncJobs

/// The time of day, as jobs and peers count it.
package struct WallClock: Sendable {
    private let reading: @Sendable () -> JobTime

    /// The machine's clock.
    package static let system = WallClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return JobTime(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// A clock that tells what a closure tells.
    package init(_ reading: @escaping @Sendable () -> JobTime) { self.reading = reading }

    /// The time now.
    package var now: JobTime { reading() }
}
