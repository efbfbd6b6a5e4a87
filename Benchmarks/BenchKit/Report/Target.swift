// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a figure is to reach.
public struct Target: Codable, Equatable, Sendable {
    /// Which number of a row.
    public enum Measure: String, Codable, Sendable {
        /// The figure in its own unit.
        case figure
        /// The median of the ratios to the reference.
        case ratio
        /// The bytes of one operation without the digests that name bodies.
        case bytesPerOperation
    }

    /// On which side of the bound the number has to be.
    public enum Side: String, Codable, Sendable {
        /// The bound or less.
        case atMost
        /// The bound or more.
        case atLeast
    }

    /// Whether a number has reached its target.
    public enum Verdict: String, Codable, Sendable {
        /// It has.
        case met
        /// It has not.
        case missed
        /// The rounds were too few or too restless, something failed, or there is no such number.
        case none = "no verdict"
    }

    /// Which number of the row.
    public let measure: Measure
    /// On which side of the bound it has to be.
    public let side: Side
    /// The bound.
    public let bound: Double

    /// A target.
    ///
    /// - Parameters:
    ///   - measure: which number of the row.
    ///   - side: on which side of the bound it has to be.
    ///   - bound: the bound.
    public init(_ measure: Measure, _ side: Side, _ bound: Double) {
        (self.measure, self.side, self.bound) = (measure, side, bound)
    }

    /// Judges a row.
    ///
    /// What ``ResultRow/objection`` says something about gets no verdict. Bytes are counted: for them the rounds may differ.
    ///
    /// - Parameter row: the row.
    /// - Returns: whether it has reached this target.
    public func verdict(on row: ResultRow) -> Verdict {
        let number: Double?
        switch measure {
        case .figure: number = row.hasVerdict ? row.value : nil
        case .ratio: number = row.hasVerdict ? row.ratioMedian : nil
        case .bytesPerOperation:
            number = row.countObjection == nil ? row.bytesWithoutDigests ?? row.bytesPerOperation : nil
        }
        guard let number else { return .none }
        return (side == .atMost ? number <= bound : number >= bound) ? .met : .missed
    }
}
