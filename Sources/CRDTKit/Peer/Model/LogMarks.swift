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

    // MARK: Coding

    /// The format that this code writes and reads: the first byte.
    private static let format: UInt8 = 1

    /// Appends the marks for the engine: `u8 format | varint capacity | varint spacing | vector start | varint count |
    /// count x (varint distance, vector)`; a vector is as in peer messages.
    ///
    /// - Parameter bytes: the buffer that grows.
    /// - Complexity: O(marks x replicas).
    public func encode(into bytes: inout [UInt8]) {
        bytes.append(Self.format)
        WireWriter.put(count: capacity, into: &bytes)
        WireWriter.put(spacing, into: &bytes)
        PeerWire.put(start.positions, &bytes)
        WireWriter.put(count: marks.count, into: &bytes)
        var previous: UInt64 = 0
        for mark in marks {
            WireWriter.put(mark.position.rawValue - previous, into: &bytes)
            previous = mark.position.rawValue
            PeerWire.put(mark.delivered.positions, &bytes)
        }
    }

    /// The bytes of ``encode(into:)``.
    ///
    /// - Returns: the bytes.
    public func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        return bytes
    }

    /// Reads what ``encode(into:)`` wrote from an array.
    ///
    /// - Parameter bytes: the bytes, all of them.
    /// - Throws: `malformed` or `unsupportedVersion` if they are not marks.
    public init(decoding bytes: [UInt8]) throws(CRDTError) {
        let span = bytes.span
        try self.init(decoding: span.bytes)
    }

    /// Reads what ``encode(into:)`` wrote.
    ///
    /// - Parameter bytes: the bytes, all of them.
    /// - Throws: `malformed` or `unsupportedVersion` if they are not marks.
    public init(decoding bytes: RawSpan) throws(CRDTError) {
        var offset = 0
        let format = try WireReader.byte(bytes, &offset)
        guard format == Self.format else {
            throw CRDTError(.unsupportedVersion, "log marks of format \(format), known is \(Self.format)")
        }
        let capacity = try WireReader.varint(bytes, &offset, atMost: 1 << 20, "a number of marks")
        let spacing = try WireReader.varint(bytes, &offset)
        self.init(capacity: Int(capacity), spacing: spacing)
        start = StreamVector(try PeerWire.positions(bytes, &offset))
        let count = try WireReader.varint(bytes, &offset, atMost: UInt64(self.capacity), "a number of marks")
        var decoded: [Mark] = []
        for index in 0..<count {
            let distance = try WireReader.varint(bytes, &offset)
            let last = decoded.last?.position.rawValue ?? 0
            let (place, overflow) = last.addingReportingOverflow(distance)
            guard !overflow && (index == 0 || distance > 0) else { throw CRDTError(.malformed, "marks do not ascend") }
            let vector = StreamVector(try PeerWire.positions(bytes, &offset))
            guard decoded.last.map({ vector.covers($0.delivered) }) ?? true else {
                throw CRDTError(.malformed, "the vectors of marks fall")
            }
            decoded.append(Mark(position: LogPosition(rawValue: place), delivered: vector))
        }
        guard !decoded.isEmpty && offset == bytes.byteCount else { throw CRDTError(.malformed, "no marks") }
        marks = decoded
    }

    private mutating func thin() {
        spacing = spacing.multipliedReportingOverflow(by: 2).overflow ? .max : spacing * 2
        marks = marks.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
    }
}
