// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension LogMarks {
    /// The first byte of the encoded form.
    private static let format: UInt8 = 1
    /// The most marks that are read back.
    private static let maximumCapacity = 1 << 16

    /// The index as bytes, to be kept with a checkpoint.
    ///
    ///     marks    = format capacity spacing replicas start count *mark
    ///     replicas = count *(word number)         ; name and incarnation; vectors list counters in this order
    ///     start    = *number
    ///     mark     = distance *number             ; from the mark before, the first from 0
    ///
    /// - Returns: the bytes.
    /// - Complexity: O(marks x replicas).
    public func encoded() -> [UInt8] {
        var bytes: [UInt8] = [LogMarks.format]
        WireWriter.put(count: capacity, into: &bytes)
        WireWriter.put(spacing, into: &bytes)
        let replicas = Set(marks.flatMap(\.delivered.origins) + start.origins).sorted()
        WireWriter.put(count: replicas.count, into: &bytes)
        for replica in replicas {
            WireWriter.put(fixed64: replica.rawValue, into: &bytes)
            WireWriter.put(UInt64(replica.incarnation), into: &bytes)
        }
        for replica in replicas { WireWriter.put(start[replica], into: &bytes) }
        WireWriter.put(count: marks.count, into: &bytes)
        var last: UInt64 = 0
        for mark in marks {
            WireWriter.put(mark.position.rawValue - last, into: &bytes)
            for replica in replicas { WireWriter.put(mark.delivered[replica], into: &bytes) }
            last = mark.position.rawValue
        }
        return bytes
    }

    /// Reads back what ``encoded()`` gave.
    ///
    /// - Parameter bytes: the bytes.
    /// - Throws: `unsupportedVersion` for a later format, `malformed` for bytes that are no index.
    public init(decoding bytes: [UInt8]) throws(CRDTError) {
        let span = bytes.span.bytes
        var offset = 0
        let format = try WireReader.byte(span, &offset)
        guard format == LogMarks.format else {
            throw CRDTError(.unsupportedVersion, "log marks of format \(format), known is \(LogMarks.format)")
        }
        let limit = UInt64(LogMarks.maximumCapacity)
        let capacity = Int(try WireReader.varint(span, &offset, atMost: limit, "a capacity"))
        let spacing = try WireReader.varint(span, &offset)
        let count = Int(try WireReader.varint(span, &offset, atMost: UInt64(UInt16.max), "a count of replicas"))
        var replicas: [ReplicaID] = []
        for _ in 0..<count {
            let name = try WireReader.fixed64(span, &offset)
            let life = try WireReader.varint(span, &offset, atMost: UInt64(UInt32.max), "an incarnation")
            replicas.append(ReplicaID(name, incarnation: UInt32(truncatingIfNeeded: life)))
        }
        let gone = try LogMarks.vector(replicas, span, &offset)
        let marks = Int(try WireReader.varint(span, &offset, atMost: limit, "a count of marks"))
        var position = LogPosition(rawValue: try WireReader.varint(span, &offset))
        self.init(capacity: capacity, spacing: spacing, from: position)
        cut(before: position, delivered: try LogMarks.vector(replicas, span, &offset))
        skip(gone)
        for _ in 1..<max(marks, 1) {
            let distance = try WireReader.varint(span, &offset)
            guard let step = Int(exactly: distance) else {
                throw CRDTError(.malformed, "log marks are \(distance) bytes apart")
            }
            position = position.advanced(by: step)
            let vector = try LogMarks.vector(replicas, span, &offset)
            note(position, delivered: vector)
        }
        guard offset == bytes.count else {
            throw CRDTError(.malformed, "\(bytes.count - offset) bytes follow the last log mark")
        }
    }

    private static func vector(
        _ replicas: [ReplicaID], _ bytes: RawSpan, _ offset: inout Int
    ) throws(CRDTError) -> [StreamPosition] {
        var positions: [StreamPosition] = []
        for replica in replicas {
            let counter = try WireReader.varint(bytes, &offset, atMost: Dot.maximumCounter, "a counter")
            if counter > 0 { positions.append(StreamPosition(origin: replica, counter: counter)) }
        }
        return positions
    }
}
