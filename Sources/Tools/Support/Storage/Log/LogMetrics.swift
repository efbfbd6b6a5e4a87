// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a log has counted since it was opened.
package struct LogCounters: Hashable, Sendable {
    /// Group commits that became durable.
    package internal(set) var commits: UInt64 = 0
    /// Calls of `fdatasync` for batches, the failed ones included.
    package internal(set) var syncs: UInt64 = 0
    /// Units that became durable.
    package internal(set) var units: UInt64 = 0
    /// Bytes that became durable, batch marks included.
    package internal(set) var bytesWritten: UInt64 = 0
    /// Group commits that failed.
    package internal(set) var failures: UInt64 = 0
    /// Times that the writer waited after a commit for more units to share the next one.
    package internal(set) var gatherings: UInt64 = 0
    /// Segments that were begun.
    package internal(set) var segmentsCreated: UInt64 = 0
    /// How long the successful calls of `fdatasync` took.
    package internal(set) var syncDurations = DurationHistogram()
}

/// Durations counted in buckets whose bounds double.
package struct DurationHistogram: Hashable, Sendable {
    /// The upper bound of the first bucket in microseconds.
    package static let firstBoundMicroseconds = 64
    /// How many buckets there are; the last has no upper bound, the one before ends at about 4.2 seconds.
    package static let bucketCount = 18

    /// How many durations fell into each bucket; bucket `i` ends at `64 << i` microseconds.
    package private(set) var counts = [UInt64](repeating: 0, count: bucketCount)
    /// The sum of all durations.
    package private(set) var sum = Duration.zero

    /// How many durations were recorded.
    package var count: UInt64 {
        counts.reduce(0, +)
    }

    /// The upper bounds of the buckets in seconds, the last one infinite.
    package static var boundsSeconds: [Double] {
        (0..<bucketCount).map { index in
            index == bucketCount - 1 ? .infinity : Double(firstBoundMicroseconds << index) / 1_000_000
        }
    }

    /// Counts a duration.
    mutating func record(_ duration: Duration) {
        var bound = Duration.microseconds(Self.firstBoundMicroseconds)
        var index = 0
        while index < Self.bucketCount - 1 && duration > bound {
            bound *= 2
            index += 1
        }
        counts[index] += 1
        sum += duration
    }
}

/// What a log found when it was opened.
package struct LogRecoverySummary: Hashable, Sendable {
    /// Segments that were scanned.
    package internal(set) var segments = 0
    /// Frames that were given to the recovery closure.
    package internal(set) var frames: UInt64 = 0
    /// Bytes of the frames that were given to the recovery closure.
    package internal(set) var bytes: UInt64 = 0
    /// Batches that were seen in the scanned segments.
    package internal(set) var batches: UInt64 = 0
    /// Bytes of a torn tail that were cut off; 0 when the log ended cleanly.
    package internal(set) var tornBytes: UInt64 = 0
    /// Why the tail counted as torn.
    package internal(set) var tornReason: String?
}
