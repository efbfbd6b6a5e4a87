// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
package import SyncJobs

/// A moment as it is on the wire: nanoseconds, and the offset in which it was written.
///
/// Peers written in Go keep the offset of what they read, so this does too; two values are the same moment when
/// ``isSameInstant(as:)`` says so, whatever their offsets are.
package struct WireTime: Hashable, Sendable {
    /// Seconds since 1970-01-01T00:00:00Z; negative before.
    package let seconds: Int64
    /// Nanoseconds after ``seconds``, 0 to 999,999,999.
    package let nanoseconds: Int32
    /// The offset from UTC in minutes in which it is written.
    package let offsetMinutes: Int16

    /// The seconds of the first moment of year 1, which says "never".
    static let neverSeconds: Int64 = -62_135_596_800
    /// The last second of year 9999 in UTC.
    static let lastSeconds: Int64 = 253_402_300_799

    /// What stands for "never": `0001-01-01T00:00:00Z`.
    package static let never = WireTime(seconds: neverSeconds)

    /// Creates a moment.
    ///
    /// - Parameters:
    ///   - seconds: seconds since 1970; outside of the years 1 to 9999 the nearest moment inside.
    ///   - nanoseconds: nanoseconds after that, 0 to 999,999,999.
    ///   - offsetMinutes: the offset from UTC in which it is written.
    package init(seconds: Int64, nanoseconds: Int32 = 0, offsetMinutes: Int16 = 0) {
        self.seconds = min(max(seconds, Self.neverSeconds), Self.lastSeconds)
        self.nanoseconds = min(max(nanoseconds, 0), 999_999_999)
        self.offsetMinutes = offsetMinutes
    }

    /// A moment of a job's clock, in UTC.
    package init(_ time: JobTime) {
        let (seconds, rest) = time.milliseconds.quotientAndRemainder(dividingBy: 1_000)
        let isBefore = rest < 0
        self.init(
            seconds: isBefore ? seconds - 1 : seconds,
            nanoseconds: Int32(isBefore ? rest + 1_000 : rest) * 1_000_000)
    }

    /// The moment on a job's clock, cut to milliseconds.
    package var jobTime: JobTime { JobTime(milliseconds: seconds * 1_000 + Int64(nanoseconds / 1_000_000)) }

    /// Now, in UTC.
    package static func now() -> WireTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WireTime(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
    }

    /// Whether it says "never".
    package var isNever: Bool { seconds == Self.neverSeconds && nanoseconds == 0 }

    /// Whether both are the same moment, whatever their offsets are.
    package func isSameInstant(as other: WireTime) -> Bool {
        seconds == other.seconds && nanoseconds == other.nanoseconds
    }

    /// Whether this moment is before another one.
    package func isBefore(_ other: WireTime) -> Bool {
        (seconds, nanoseconds) < (other.seconds, other.nanoseconds)
    }
}
