// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Synchronization

/// All instruments of one metric name, told apart by the values of its labels.
///
/// The number of label sets is bounded (``MetricsRegistry/Limits``): beyond it every new set shares one instrument
/// whose label values all read ``overflowValue``, so that names sent by clients cannot fill the memory. Look an
/// instrument up once and keep it where that is possible; a lookup costs a lock and a hash of the values.
package final class MetricFamily<Member: MetricInstrument>: Sendable {
    /// The label value of the instrument that stands for all label sets beyond the limit.
    package static var overflowValue: String { "_other" }

    /// The metric's name.
    package let name: String
    /// The names of the labels, in the order of the values given to ``with(_:)``.
    package let labelNames: [String]

    private struct State {
        var members: [[String]: Member] = [:]
        var hasOverflowed = false
    }

    private let limits: MetricsRegistry.Limits
    private let make: @Sendable () -> Member
    private let overflow: Member
    private let state = Mutex(State())

    init(
        name: String, labelNames: [String], limits: MetricsRegistry.Limits, make: @escaping @Sendable () -> Member
    ) {
        self.name = name
        self.labelNames = labelNames
        self.limits = limits
        self.make = make
        self.overflow = make()
    }

    /// The instrument for a set of label values, made when it is new.
    ///
    /// - Parameter values: One value per label, in the order of ``labelNames``. Another number of values is a mistake
    ///   in the code: debug builds stop, release builds count under ``overflowValue``. Long values are cut.
    /// - Returns: The instrument.
    package func with(_ values: String...) -> Member {
        with(values: values)
    }

    /// The instrument for a set of label values, made when it is new.
    ///
    /// - Parameter values: One value per label, as in ``with(_:)``.
    /// - Returns: The instrument.
    package func with(values: [String]) -> Member {
        guard values.count == labelNames.count else {
            assertionFailure("\(name) has \(labelNames.count) labels, got \(values.count) values")
            return overflow
        }
        let key = values.map { MetricsRegistry.cut($0, to: limits.maximumLabelValueBytes) }
        return state.withLock { state in
            if let known = state.members[key] { return known }
            // The overflow member's own label values must not appear twice.
            guard state.members.count < limits.maximumLabelSets, key.isEmpty || key != overflowKey else {
                state.hasOverflowed = true
                return overflow
            }
            let member = make()
            state.members[key] = member
            return member
        }
    }

    /// All members with their label values, in the order of the values; the overflow member last, once it was needed.
    var sorted: [(values: [String], member: Member)] {
        let state = state.withLock { $0 }
        var all = state.members.map { (values: $0.key, member: $0.value) }
        all.sort { $0.values.lexicographicallyPrecedes($1.values) }
        if state.hasOverflowed { all.append((overflowKey, overflow)) }
        return all
    }

    private var overflowKey: [String] { Array(repeating: Self.overflowValue, count: labelNames.count) }
}
