// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// One thing that is measured: a ``Counter``, a ``Gauge`` or a ``Histogram``.
package protocol MetricInstrument: AnyObject, Sendable {
    /// Writes the instrument's samples.
    ///
    /// - Parameters:
    ///   - name: The metric's name.
    ///   - labels: The instrument's labels.
    ///   - text: Where the samples go.
    func write(name: String, labels: [(name: String, value: String)], to text: inout PrometheusText)
}
