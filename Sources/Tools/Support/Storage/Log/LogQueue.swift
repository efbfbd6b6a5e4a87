// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit

/// What waits to be written, and who waits for it; a value behind the log's lock.
struct LogQueue {
    /// Units that the writer thread has taken.
    struct Work: Sendable {
        var bytes: [UInt8]
        /// Where each unit ends in the bytes.
        var unitEnds: [Int]
        /// The ticket of the first unit.
        let firstTicket: UInt64
    }

    /// What is known about a ticket.
    enum Outcome {
        case pending
        case durable
        case failed(StorageError)
    }

    typealias Waiter = CheckedContinuation<StorageError?, Never>

    /// A buffer above this size is not kept for the next batch.
    private static let keptBufferBytes = 4 * 1024 * 1024

    private var bytes: [UInt8] = []
    private var unitEnds: [Int] = []
    private var spare: [UInt8] = []
    private var inFlightBytes = 0
    private var firstPending: UInt64 = 1
    private(set) var nextTicket: UInt64 = 1
    private(set) var durableTicket: UInt64 = 0
    private(set) var failure: (from: UInt64, error: StorageError)?
    private var failed: [(tickets: Range<UInt64>, error: StorageError)] = []
    private var closedFrom: UInt64?
    private(set) var isClosed = false
    private var waiters: [(ticket: UInt64, continuation: Waiter)] = []
    private var spaceWaiters: [CheckedContinuation<Void, Never>] = []

    var handler: (@Sendable (LogCommit) -> Void)?
    var counters = LogCounters()
    /// How long the last synchronisation took.
    var lastSync = Duration.zero
    private var gathering = LogGathering()

    /// Bytes that are not durable yet.
    var queuedBytes: Int {
        bytes.count + inFlightBytes
    }

    var isClosing: Bool {
        closedFrom != nil
    }

    var isEmpty: Bool {
        unitEnds.isEmpty
    }

    // MARK: Appending

    /// Queues a unit; says whether the writer must be woken.
    mutating func append(_ unit: [UInt8]) -> (ticket: UInt64, wakesWriter: Bool) {
        let ticket = nextTicket
        nextTicket += 1
        guard failure == nil, !isClosing else { return (ticket, false) }
        let wasEmpty = unitEnds.isEmpty
        if wasEmpty {
            firstPending = ticket
            if bytes.capacity < unit.count { bytes = unit } else { bytes.append(contentsOf: unit) }
        } else {
            bytes.append(contentsOf: unit)
        }
        unitEnds.append(bytes.count)
        // A writer that waits for many is not woken by the first of them.
        return (ticket, gathering.appended(ticket, now: .now) ?? wasEmpty)
    }

    /// Begins to close: later units are refused.
    mutating func beginClosing() {
        if closedFrom == nil { closedFrom = nextTicket }
    }

    // MARK: The writer thread

    /// Takes all that is queued.
    mutating func take() -> Work? {
        guard !unitEnds.isEmpty else { return nil }
        let work = Work(bytes: bytes, unitEnds: unitEnds, firstTicket: firstPending)
        inFlightBytes = bytes.count
        bytes = spare
        spare = []
        unitEnds = []
        return work
    }

    /// Begins to wait for more units than there are.
    ///
    /// - Parameter units: the units of the commit that has just ended; whoever appended them may soon append again.
    /// - Returns: how long to wait at most, or nil when it is not worth it.
    mutating func beginGathering(after units: Int) -> Duration? {
        guard failure == nil, !isClosing else { return nil }
        let time = gathering.begin(
            after: units, queued: unitEnds.count, next: nextTicket, sync: lastSync, now: .now)
        if time != nil { counters.gatherings += 1 }
        return time
    }

    /// Whether there is nothing more to wait for.
    var hasGathered: Bool { gathering.isComplete(next: nextTicket) || isClosing || failure != nil }

    mutating func endGathering() { gathering.end(next: nextTicket) }

    /// Records that units became durable; returns who is to be told.
    mutating func complete(upTo ticket: UInt64, bytes count: Int) -> [Waiter] {
        durableTicket = ticket
        inFlightBytes = max(inFlightBytes - count, 0)
        return removeWaiters { $0 <= ticket }
    }

    /// Takes back a buffer whose units are all durable.
    mutating func recycle(_ buffer: inout [UInt8]) {
        guard buffer.capacity <= Self.keptBufferBytes else { return }
        buffer.removeAll(keepingCapacity: true)
        swap(&spare, &buffer)
    }

    /// Records that no unit from a ticket on is in the log; returns who is to be told.
    mutating func fail(from ticket: UInt64, _ error: StorageError) -> [Waiter] {
        failure = (ticket, error)
        bytes = []
        unitEnds = []
        inFlightBytes = 0
        counters.failures += 1
        return removeWaiters { $0 >= ticket }
    }

    /// Records the end of the writer thread; returns who still waits for something that will not come.
    mutating func close() -> [Waiter] {
        isClosed = true
        bytes = []
        unitEnds = []
        return removeWaiters { _ in true }
    }

    /// Those who wait for space, when there is some.
    mutating func spaceWaiters(below limit: Int) -> [CheckedContinuation<Void, Never>] {
        guard queuedBytes < limit || failure != nil || isClosing else { return [] }
        defer { spaceWaiters = [] }
        return spaceWaiters
    }

    // MARK: Waiting

    /// What is known about a ticket.
    func outcome(of ticket: UInt64) -> Outcome {
        if let failure, ticket >= failure.from { return .failed(failure.error) }
        if let range = failed.last(where: { $0.tickets.contains(ticket) }) { return .failed(range.error) }
        if ticket <= durableTicket { return .durable }
        if let closedFrom, isClosed || ticket >= closedFrom { return .failed(Self.closedError) }
        if ticket >= nextTicket {
            return .failed(StorageError(.invalidState, "ticket \(ticket) was not given out, the next is \(nextTicket)"))
        }
        return .pending
    }

    mutating func wait(for ticket: UInt64, _ waiter: Waiter) {
        waiters.append((ticket, waiter))
    }

    /// Notes somebody who waits for space; says whether there is some now.
    mutating func waitForSpace(below limit: Int, _ waiter: CheckedContinuation<Void, Never>) -> Bool {
        if queuedBytes < limit || failure != nil || isClosing { return true }
        spaceWaiters.append(waiter)
        return false
    }

    /// Ends a failure: tickets given out until now stay failed, later ones count again.
    mutating func reset() {
        guard let failure else { return }
        if let last = failed.last, last.tickets.upperBound == failure.from {
            failed[failed.count - 1].tickets = last.tickets.lowerBound..<nextTicket
        } else {
            failed.append((failure.from..<nextTicket, failure.error))
        }
        self.failure = nil
    }

    static let closedError = StorageError(.closed, "the log is closed")

    private mutating func removeWaiters(_ isDone: (UInt64) -> Bool) -> [Waiter] {
        var done: [Waiter] = []
        waiters.removeAll { waiter in
            guard isDone(waiter.ticket) else { return false }
            done.append(waiter.continuation)
            return true
        }
        return done
    }
}
