// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Some measurements of one thing.
struct Series {
    private(set) var values: [Double] = []

    init(_ values: [Double] = []) { self.values = values }

    mutating func add(_ value: Double) { values.append(value) }

    var median: Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    var minimum: Double { values.min() ?? 0 }

    /// The distance of the extremes in relation to the median.
    var spread: Double { median > 0 ? ((values.max() ?? 0) - minimum) / median : 0 }
}

/// A subject and its reference, measured in turns.
struct Comparison {
    /// Which clock the ratio is made of.
    enum Clock { case wall, cpu }

    private(set) var subject: [Cost] = []
    private(set) var reference: [Cost] = []

    /// Runs the rounds; the first of each is thrown away, as it fills caches.
    ///
    /// - Parameters:
    ///   - rounds: how many rounds count.
    ///   - subject: runs the subject once and returns the cost of one step.
    ///   - reference: the same for the reference.
    init(rounds: Int, subject: () throws -> Cost, reference: () throws -> Cost) rethrows {
        for round in 0...rounds {
            let first = try subject()
            let second = try reference()
            if round == 0 { continue }
            self.subject.append(first)
            self.reference.append(second)
        }
    }

    func costs(_ clock: Clock) -> Series { Series(subject.map { clock == .wall ? $0.wall : $0.cpu }) }

    func referenceCosts(_ clock: Clock) -> Series { Series(reference.map { clock == .wall ? $0.wall : $0.cpu }) }

    /// The subject's cost in units of the reference's, round by round.
    func ratios(_ clock: Clock) -> Series {
        Series(zip(costs(clock).values, referenceCosts(clock).values).map { $1 > 0 ? $0 / $1 : 0 })
    }
}
