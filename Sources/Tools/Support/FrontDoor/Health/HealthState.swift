// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a distributor knows of a node.
enum NodeHealth: Int, Comparable, Sendable {
    /// It answers.
    case up = 0
    /// Nothing is known yet.
    case unknown = 1
    /// Its answer is late: others are asked first.
    case late = 2
    /// It does not answer, or cannot be reached: sessions leave it.
    case down = 3

    static func < (left: NodeHealth, right: NodeHealth) -> Bool { left.rawValue < right.rawValue }
}

/// The times of the watch over nodes.
package struct HealthTimes: Hashable, Sendable {
    /// How often a node is asked, every 250 milliseconds.
    package var interval = Duration.milliseconds(250)
    /// After which silence others are asked first, 600 milliseconds.
    package var late = Duration.milliseconds(600)
    /// After which silence its sessions leave it, 2 seconds.
    package var down = Duration.seconds(2)
    /// The longest wait before a node that is down is tried again, 500 milliseconds.
    package var retry = Duration.milliseconds(500)
    /// How long a login waits for a node that is up before the next one is asked as well, 500 milliseconds.
    package var hedge = Duration.milliseconds(500)
    /// The same for a node that is not known to be up, 150 milliseconds.
    package var shortHedge = Duration.milliseconds(150)
    /// How long nodes are looked for when a session has lost its own, 15 seconds.
    package var carryOver = Duration.seconds(15)

    /// The defaults.
    package init() {}
}
