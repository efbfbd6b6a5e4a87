// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a frame of operations says about itself before any symbol: enough to route, index and order it without decoding
/// it.
public struct FrameHeader: Hashable, Sendable {
    /// The partition.
    public let partition: PartitionID
    /// The replica that issued the operations.
    public let origin: ReplicaID
    /// The counter of the first operation, from 1.
    public let firstCounter: UInt64
    /// The number of operations, 1 to ``OperationFrame/maximumOperations``.
    public let operationCount: Int
    /// The timestamp of the first operation.
    public let timestamp: HybridTimestamp
    /// The timestamp of the last operation, none of which is earlier than the one before it.
    public let lastTimestamp: HybridTimestamp

    /// The counter of the last operation.
    public var lastCounter: UInt64 { firstCounter + UInt64(operationCount) - 1 }

    /// Reads the header of a payload.
    ///
    /// - Parameter payload: the payload of an envelope of kind `operations`.
    /// - Throws: `malformed`, `limitExceeded` or `unsupportedVersion` if it is not the beginning of such a payload.
    /// - Complexity: O(1).
    public init(decoding payload: RawSpan) throws(CRDTError) {
        var offset = 0
        try self.init(payload, &offset)
    }

    init(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) {
        guard bytes.byteCount <= OperationFrame.maximumBytes else {
            let limit = OperationFrame.maximumBytes
            throw CRDTError(.limitExceeded, "a frame has at most \(limit) bytes, got \(bytes.byteCount)")
        }
        let format = try WireReader.byte(bytes, &offset)
        guard format == OperationFrame.format else {
            throw CRDTError(.unsupportedVersion, "operation frame format \(format), known is \(OperationFrame.format)")
        }
        let partition = try WireReader.varint(bytes, &offset, atMost: UInt64(UInt32.max), "a partition")
        let name = try WireReader.fixed64(bytes, &offset)
        let incarnation = try WireReader.varint(bytes, &offset, atMost: UInt64(UInt32.max), "an incarnation")
        guard name != 0 && incarnation != 0 else { throw CRDTError(.malformed, "a frame's origin is zero") }
        let first = try WireReader.varint(bytes, &offset, atMost: Dot.maximumCounter, "a counter")
        let limit = UInt64(OperationFrame.maximumOperations)
        let count = try WireReader.varint(bytes, &offset, atMost: limit, "a frame's number of operations")
        guard first > 0 && count > 0 && first + count - 1 <= Dot.maximumCounter else {
            throw CRDTError(.malformed, "a frame covers \(count) counters from \(first)")
        }
        let base = try WireReader.fixed64(bytes, &offset)
        let span = try WireReader.varint(bytes, &offset)
        let (last, overflow) = base.addingReportingOverflow(span)
        guard !overflow else { throw CRDTError(.malformed, "a frame's time exceeds 64 bits") }
        self.partition = PartitionID(UInt32(truncatingIfNeeded: partition))
        origin = ReplicaID(name, incarnation: UInt32(truncatingIfNeeded: incarnation))
        firstCounter = first
        operationCount = Int(count)
        timestamp = HybridTimestamp(rawValue: base)
        lastTimestamp = HybridTimestamp(rawValue: last)
    }

    init(
        partition: PartitionID, origin: ReplicaID, firstCounter: UInt64, operationCount: Int,
        timestamp: HybridTimestamp, lastTimestamp: HybridTimestamp
    ) {
        self.partition = partition
        self.origin = origin
        self.firstCounter = firstCounter
        self.operationCount = operationCount
        self.timestamp = timestamp
        self.lastTimestamp = lastTimestamp
    }

    func encode(into bytes: inout [UInt8]) {
        bytes.append(OperationFrame.format)
        WireWriter.put(UInt64(partition.rawValue), into: &bytes)
        WireWriter.put(fixed64: origin.rawValue, into: &bytes)
        WireWriter.put(UInt64(origin.incarnation), into: &bytes)
        WireWriter.put(firstCounter, into: &bytes)
        WireWriter.put(count: operationCount, into: &bytes)
        WireWriter.put(fixed64: timestamp.rawValue, into: &bytes)
        WireWriter.put(lastTimestamp.rawValue &- timestamp.rawValue, into: &bytes)
    }
}
