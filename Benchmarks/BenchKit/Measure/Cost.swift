// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What something took, in nanoseconds.
public struct Cost: Sendable, Equatable {
    /// The time on the wall.
    public var wall: Double
    /// The processor time.
    public var cpu: Double

    /// A cost of two times.
    ///
    /// - Parameters:
    ///   - wall: nanoseconds on the wall.
    ///   - cpu: nanoseconds of processor time.
    public init(wall: Double, cpu: Double) { (self.wall, self.cpu) = (wall, cpu) }

    /// Nothing.
    public static let zero = Cost(wall: 0, cpu: 0)

    /// The cost of one of some equal steps.
    ///
    /// - Parameter count: how many steps the cost is for; less than one counts as one.
    /// - Returns: the cost of one step.
    public func divided(by count: Int) -> Cost {
        Cost(wall: wall / Double(max(count, 1)), cpu: cpu / Double(max(count, 1)))
    }

    /// The time of one clock.
    ///
    /// - Parameter clock: which one.
    /// - Returns: nanoseconds.
    public func time(_ clock: MeasuredClock) -> Double {
        switch clock {
        case .wall: wall
        case .cpu: cpu
        }
    }

    /// Both costs, one after the other.
    public static func + (first: Cost, second: Cost) -> Cost {
        Cost(wall: first.wall + second.wall, cpu: first.cpu + second.cpu)
    }
}

/// Which clock a figure and its ratio are made of.
public enum MeasuredClock: String, Codable, Sendable {
    /// Time on the wall: what a person waits. It depends on what else the machine does.
    case wall
    /// Processor time: what the work needs.
    case cpu
}
