// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit

/// Where a unit stands in the log.
package struct LogUnitPosition: Hashable, Sendable {
    /// The unit's ticket.
    package let ticket: LogTicket
    /// The position of the unit's first byte, which is the first byte of its first frame.
    package let position: LogPosition
}

/// What a log tells its commit handler, once for each group commit.
package enum LogCommit: Sendable {
    /// All units up to a ticket are durable; the positions are those of the units of this commit, in order.
    case durable(upTo: LogTicket, positions: [LogUnitPosition])
    /// No unit from this ticket on is in the log or will be, until ``SegmentedLog/resetAfterFailure()`` is called.
    case failed(from: LogTicket, StorageError)
}
