// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A sparse index of a log: where it stood when what was delivered, so that any place in any stream is found without
/// reading from the start.
///
/// A mark says: before this position the log holds no operation beyond this vector. The number of marks is bounded;
/// when it is reached every second one goes, so that a long log has coarser marks. A value; the store keeps it with its
/// checkpoint.
public struct LogMarks: Hashable, Sendable {
    /// A place of the log and what was delivered there.
    struct Mark: Hashable, Sendable {
        var position: LogPosition
        var delivered: StreamVector
    }

    /// The most marks.
    public let capacity: Int
    /// What the log can no longer serve: of each origin the last counter that is gone.
    public private(set) var start = StreamVector()
    /// In the order of the log; the first is where the log begins.
    var marks: [Mark]
    /// The smallest distance between marks, in bytes.
    public private(set) var spacing: UInt64

    /// Makes the index of an empty log.
    ///
    /// - Parameters:
    ///   - capacity: the most marks, at least 4; default 512.
    ///   - spacing: the smallest distance between marks in bytes at first; default 64 KiB.
    ///   - position: where the log begins.
    public init(capacity: Int = 512, spacing: UInt64 = 64 << 10, from position: LogPosition = .start) {
        self.capacity = max(capacity, 4)
        self.spacing = max(spacing, 1)
        marks = [Mark(position: position, delivered: StreamVector())]
    }

    /// The number of marks.
    public var count: Int { marks.count }

    /// Takes note of how far the log is; most calls only compare two numbers.
    ///
    /// - Parameters:
    ///   - position: the end of the log, before the next frame; positions that fall are ignored.
    ///   - delivered: everything that the log holds or held before it.
    /// - Complexity: O(1) amortised, O(replicas) for a new mark.
    public mutating func note(_ position: LogPosition, delivered: @autoclosure () -> [StreamPosition]) {
        guard let last = marks.last, position > last.position,
            position.rawValue - last.position.rawValue >= spacing
        else { return }
        if marks.count >= capacity { thin() }
        marks.append(Mark(position: position, delivered: StreamVector(delivered())))
    }

    /// Finds a position before which lies none of the wanted operations.
    ///
    /// - Parameter wanted: of each origin the first operation that is wanted, with counters from 1.
    /// - Returns: the latest such position that is known; nil if the log has lost some of the wanted operations.
    /// - Complexity: O(log(marks) x wanted).
    public func locate(_ wanted: [StreamPosition]) -> LogPosition? {
        if wanted.contains(where: { $0.counter <= start[$0.origin] }) { return nil }
        var low = 0
        var high = marks.count
        while high - low > 1 {
            let middle = (low + high) / 2
            let fits = wanted.allSatisfy { marks[middle].delivered[$0.origin] < $0.counter }
            if fits { low = middle } else { high = middle }
        }
        return marks[low].position
    }

    /// What is lost when the log is cut at a position.
    ///
    /// - Parameter position: where the log is to begin.
    /// - Returns: a vector that covers everything before the position: the first mark's at or behind it. Nil if there is
    ///   none, so that only the caller can know.
    public func lost(before position: LogPosition) -> [StreamPosition]? {
        marks.first { $0.position >= position }?.delivered.positions
    }

    /// Takes note that the log begins later now.
    ///
    /// - Parameters:
    ///   - position: where it begins.
    ///   - delivered: everything that is or was before the position, or more; what of it is gone can no longer be
    ///     served.
    public mutating func cut(before position: LogPosition, delivered: [StreamPosition]) {
        let gone = StreamVector(delivered)
        start.formUnion(gone)
        let kept = marks.filter { $0.position > position }
        marks = [Mark(position: position, delivered: gone)] + kept
    }

    /// Takes note of operations that arrived by a snapshot, not through the log.
    ///
    /// - Parameter missing: of each origin the last operation that the log will never hold.
    public mutating func skip(_ missing: [StreamPosition]) { start.formUnion(StreamVector(missing)) }

    private mutating func thin() {
        spacing *= 2
        marks = marks.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
    }
}
