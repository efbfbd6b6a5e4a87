// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Virtual time: actions at moments to come, carried out one by one, those of one moment in the order in which they were planned.
///
/// Nothing else moves the time, so a run follows from its seed alone.
public final class Timeline {
    private struct Entry {
        let moment: UInt64
        let number: UInt64
        let action: () -> Void

        func isBefore(_ other: Entry) -> Bool { (moment, number) < (other.moment, other.number) }
    }

    /// The present moment, in microseconds.
    public private(set) var now: UInt64 = 0
    /// The number of actions carried out.
    public private(set) var steps: UInt64 = 0
    private var heap: [Entry] = []
    private var planned: UInt64 = 0

    /// Starts at moment 0 with nothing planned.
    public init() {}

    /// Whether nothing is planned.
    public var isEmpty: Bool { heap.isEmpty }

    /// The present moment in whole milliseconds.
    public var nowMilliseconds: UInt64 { now / 1_000 }

    /// Plans an action.
    ///
    /// - Parameters:
    ///   - microseconds: how far from now.
    ///   - action: what to do then.
    public func after(_ microseconds: UInt64, _ action: @escaping () -> Void) {
        planned += 1
        heap.append(Entry(moment: now + microseconds, number: planned, action: action))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            if !heap[child].isBefore(heap[parent]) { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Carries out the next action.
    ///
    /// - Parameter limit: the moment up to which.
    /// - Returns: false if nothing is planned up to then; the time is then `limit`.
    public func step(until limit: UInt64 = .max) -> Bool {
        guard let first = heap.first, first.moment <= limit else {
            if limit != .max { now = max(now, limit) }
            return false
        }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        now = first.moment
        steps += 1
        first.action()
        return true
    }

    private func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].isBefore(heap[least])
            {
                least = child
            }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
