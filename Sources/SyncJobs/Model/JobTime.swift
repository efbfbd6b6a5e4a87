// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A moment on the wall clock, in milliseconds since 1970-01-01T00:00:00Z.
///
/// The library knows no clock: each input carries the time at which it happened.
public struct JobTime: Hashable, Comparable, Sendable {
    /// Milliseconds since 1970-01-01T00:00:00Z; negative before.
    public var milliseconds: Int64

    /// Creates a moment.
    ///
    /// - Parameter milliseconds: milliseconds since 1970-01-01T00:00:00Z.
    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// A later or an earlier moment; the farthest one that there is instead of an overflow.
    ///
    /// - Parameter milliseconds: how much later; negative is earlier.
    /// - Returns: the moment.
    public func adding(milliseconds: Int64) -> JobTime {
        let (sum, overflow) = self.milliseconds.addingReportingOverflow(milliseconds)
        return JobTime(milliseconds: overflow ? (milliseconds < 0 ? .min : .max) : sum)
    }

    /// Creates a moment from seconds since 1970-01-01T00:00:00Z; the farthest one that there is instead of an overflow.
    init(seconds: Int64) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        self.init(milliseconds: overflow ? (seconds < 0 ? .min : .max) : product)
    }

    /// The whole seconds since 1970-01-01T00:00:00Z, rounded down.
    var seconds: Int64 { milliseconds.flooredQuotient(1_000) }

    /// Orders by time.
    public static func < (left: JobTime, right: JobTime) -> Bool { left.milliseconds < right.milliseconds }
}

extension Int64 {
    /// The quotient rounded down, also below 0.
    ///
    /// - Parameter divisor: more than 0.
    /// - Returns: the quotient.
    func flooredQuotient(_ divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// What the rounded-down quotient leaves; 0 or more.
    ///
    /// - Parameter divisor: more than 0.
    /// - Returns: the remainder.
    func flooredRemainder(_ divisor: Int64) -> Int64 {
        let remainder = self % divisor
        return remainder < 0 ? remainder + divisor : remainder
    }
}
