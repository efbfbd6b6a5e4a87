// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Synchronization

/// A number that only grows.
///
/// One relaxed atomic addition per increment.
package final class Counter: Sendable {
    private let count = Atomic<UInt64>(0)

    init() {}

    /// Adds to the count; it wraps round after 2^64.
    ///
    /// - Parameter amount: How much.
    package func increment(by amount: UInt64 = 1) {
        count.wrappingAdd(amount, ordering: .relaxed)
    }

    /// The count now.
    package var value: UInt64 { count.load(ordering: .relaxed) }
}

extension Counter: MetricInstrument {
    /// Writes the instrument's samples.
    ///
    /// - Parameters:
    ///   - name: The metric's name.
    ///   - labels: The instrument's labels.
    ///   - text: Where the samples go.
    package func write(name: String, labels: [(name: String, value: String)], to text: inout PrometheusText) {
        text.sample(name, labels: labels, literal: String(value))
    }
}
