// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Whether a store can write: what it tells its peers, which look after its mailboxes as long as it cannot.
///
/// It is no promise about the next write. A disk with a little room takes a flag change and then refuses a message, so one write that succeeds proves little:
/// the store counts as able again when it has written as much as it had failed to write, or wrote something after a quiet while.
struct WriteHealth {
    /// The octets that have to be written after a failure, at most: a message that travels with its operation.
    static let debtLimit = 256 << 10
    /// After how long without a failure a write of any size will do, in milliseconds.
    static let quietMilliseconds: UInt64 = 60_000

    /// Whether the disk has less free space than is kept free.
    private(set) var lacksSpace = false
    /// When the log failed last, by the wall clock, and the octets that are still to be written; nil when it has recovered.
    private var failure: (time: UInt64, debt: Int)?

    /// Whether it can write.
    var isWritable: Bool { !lacksSpace && failure == nil }

    /// The log could not write so many octets.
    mutating func failed(_ octets: Int, at time: UInt64) {
        failure = (time, min(Self.debtLimit, max(1, octets, failure?.debt ?? 0)))
    }

    /// So many octets became durable.
    mutating func wrote(_ octets: Int, at time: UInt64) {
        guard let (failedAt, debt) = failure, octets > 0 else { return }
        let isQuiet = time >= failedAt && time - failedAt >= Self.quietMilliseconds
        failure = isQuiet || octets >= debt ? nil : (failedAt, debt - octets)
    }

    /// Takes note of the free space.
    ///
    /// - Returns: whether that is news.
    mutating func note(lacksSpace: Bool) -> Bool {
        defer { self.lacksSpace = lacksSpace }
        return self.lacksSpace != lacksSpace
    }
}
