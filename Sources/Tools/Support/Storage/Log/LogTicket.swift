// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The number of a unit that was appended to a log since it was opened; a later unit has a larger ticket.
package struct LogTicket: RawRepresentable, Hashable, Comparable, Sendable {
    /// The number; the first unit has 1.
    package let rawValue: UInt64

    /// Makes a ticket.
    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The ticket before the first unit.
    package static let none = LogTicket(rawValue: 0)

    package static func < (left: LogTicket, right: LogTicket) -> Bool {
        left.rawValue < right.rawValue
    }
}
