// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Some measurements of one thing.
public struct Series: Sendable, Equatable {
    /// The measurements in the order in which they were made.
    public private(set) var values: [Double] = []

    /// A series.
    ///
    /// - Parameter values: the first measurements.
    public init(_ values: [Double] = []) { self.values = values }

    /// Adds a measurement.
    ///
    /// - Parameter value: what was measured.
    public mutating func add(_ value: Double) { values.append(value) }

    /// The value in the middle; the mean of the two middle ones when their number is even, 0 when there are none.
    public var median: Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// The smallest value; 0 when there are none.
    public var minimum: Double { values.min() ?? 0 }

    /// The largest value; 0 when there are none.
    public var maximum: Double { values.max() ?? 0 }

    /// The distance of the extremes in relation to the median.
    public var spread: Double { median > 0 ? (maximum - minimum) / median : 0 }

    /// The smallest value that is not below the given share of all (nearest rank).
    ///
    /// - Parameter percent: the share, from 0 to 100.
    /// - Returns: the value; 0 when there are none.
    public func percentile(_ percent: Double) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        let rank = (percent / 100 * Double(sorted.count)).rounded(.up)
        return sorted[min(max(Int(rank), 1), sorted.count) - 1]
    }
}
