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

    /// The value in the middle; the mean of the two middle ones when their number is even, nil when there are none.
    public var median: Double? {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return nil }
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// The mean; nil when there are no values.
    public var mean: Double? { values.isEmpty ? nil : values.reduce(0, +) / Double(values.count) }

    /// The smallest value; nil when there are none.
    public var minimum: Double? { values.min() }

    /// The largest value; nil when there are none.
    public var maximum: Double? { values.max() }

    /// The distance of the extremes in relation to the median; nil when fewer than two values, or a median that is not
    /// positive, say nothing about it.
    public var spread: Double? {
        guard values.count > 1, let median, median > 0, let maximum, let minimum else { return nil }
        return (maximum - minimum) / median
    }

    /// The smallest value that is not below the given share of all (nearest rank).
    ///
    /// - Parameter percent: the share, from 0 to 100.
    /// - Returns: the value; nil when there are none.
    public func percentile(_ percent: Double) -> Double? {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return nil }
        let rank = (percent / 100 * Double(sorted.count)).rounded(.up)
        return sorted[min(max(Int(rank), 1), sorted.count) - 1]
    }
}
