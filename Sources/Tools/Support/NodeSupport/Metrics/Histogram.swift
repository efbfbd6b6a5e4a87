// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Synchronization

/// Counts observations in fixed buckets.
///
/// One uncontended lock and a binary search per observation.
package final class Histogram: Sendable {
    /// Buckets for the duration of a command in seconds: 0.5 ms to 30 s.
    package static let latencyBuckets: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
    ]

    /// What a histogram holds at one instant.
    package struct Snapshot: Hashable, Sendable {
        /// Observations per bucket, not cumulative; the last is what lies above every bound.
        package var counts: [UInt64]
        /// The sum of all observations.
        package var sum: Double = 0

        /// How many observations there were.
        package var total: UInt64 { counts.reduce(0, &+) }
    }

    private let bounds: [Double]
    private let state: Mutex<Snapshot>

    /// Creates a histogram.
    ///
    /// - Parameter bounds: Finite, strictly growing upper bounds; the registry has checked them.
    init(bounds: [Double]) {
        self.bounds = bounds
        self.state = Mutex(Snapshot(counts: [UInt64](repeating: 0, count: bounds.count + 1)))
    }

    /// Counts one observation; what is not a number is ignored.
    ///
    /// - Parameter value: The observation, in the metric's unit.
    package func observe(_ value: Double) {
        guard !value.isNaN else { return }
        var (low, high) = (0, bounds.count)
        while low < high {
            let middle = (low + high) / 2
            if value <= bounds[middle] { high = middle } else { low = middle + 1 }
        }
        state.withLock { state in
            state.counts[low] &+= 1
            state.sum += value
        }
    }

    /// Counts one duration, in seconds.
    ///
    /// - Parameter duration: How long something took.
    package func observe(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        observe(Double(seconds) + Double(attoseconds) * 1e-18)
    }

    /// The counts and the sum, taken together.
    package var snapshot: Snapshot { state.withLock { $0 } }
}

extension Histogram: MetricInstrument {
    /// Writes the instrument's samples.
    ///
    /// - Parameters:
    ///   - name: The metric's name.
    ///   - labels: The instrument's labels.
    ///   - text: Where the samples go.
    package func write(name: String, labels: [(name: String, value: String)], to text: inout PrometheusText) {
        let snapshot = snapshot
        var cumulative: UInt64 = 0
        for (index, count) in snapshot.counts.enumerated() {
            cumulative &+= count
            let bound = index < bounds.count ? PrometheusText.literal(bounds[index]) : "+Inf"
            text.sample("\(name)_bucket", labels: labels + [("le", bound)], literal: String(cumulative))
        }
        text.sample("\(name)_sum", labels: labels, literal: PrometheusText.literal(snapshot.sum))
        text.sample("\(name)_count", labels: labels, literal: String(cumulative))
    }
}
