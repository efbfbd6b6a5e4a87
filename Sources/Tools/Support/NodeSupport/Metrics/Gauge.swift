// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Synchronization

/// A number that goes up and down.
///
/// Setting it is one relaxed atomic store; adding is a compare-and-exchange loop.
package final class Gauge: Sendable {
    private let bits = Atomic<UInt64>(0)

    init() {}

    /// Sets the value.
    ///
    /// - Parameter value: The new value.
    package func set(_ value: Double) {
        bits.store(value.bitPattern, ordering: .relaxed)
    }

    /// Adds to the value.
    ///
    /// - Parameter amount: How much; negative takes away.
    package func add(_ amount: Double) {
        var current = bits.load(ordering: .relaxed)
        while true {
            let next = (Double(bitPattern: current) + amount).bitPattern
            let (exchanged, original) = bits.weakCompareExchange(expected: current, desired: next, ordering: .relaxed)
            if exchanged { return }
            current = original
        }
    }

    /// The value now.
    package var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}

extension Gauge: MetricInstrument {
    /// Writes the instrument's samples.
    ///
    /// - Parameters:
    ///   - name: The metric's name.
    ///   - labels: The instrument's labels.
    ///   - text: Where the samples go.
    package func write(name: String, labels: [(name: String, value: String)], to text: inout PrometheusText) {
        text.sample(name, labels: labels, literal: PrometheusText.literal(value))
    }
}
