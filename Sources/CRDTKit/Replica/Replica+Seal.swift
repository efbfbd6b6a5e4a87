// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension Replica {
    /// The timestamp of a local event, above all that were given or seen.
    ///
    /// - Parameter nowMilliseconds: the wall clock, milliseconds since 1970.
    /// - Returns: the timestamp.
    public mutating func timestamp(nowMilliseconds: UInt64) -> HybridTimestamp {
        clock.tick(nowMilliseconds: nowMilliseconds)
    }

    /// Takes note of a modification sequence that clients are told: the timestamps of later operations are above it.
    ///
    /// - Parameter modSeq: the modification sequence; one that no clock can have caused is ignored.
    public mutating func noteTold(modSeq: UInt64) {
        if modSeq <= Mailbox.maximumModSeq / 2 { clock.recover(HybridTimestamp(rawValue: modSeq)) }
    }

    /// Begins a batch of local operations.
    ///
    /// - Parameter nowMilliseconds: the wall clock, milliseconds since 1970.
    /// - Returns: first counter, timestamp and causal past of the batch.
    public mutating func begin(nowMilliseconds: UInt64) -> IssuePoint {
        IssuePoint(
            replica: own, firstCounter: nextCounter, timestamp: clock.tick(nowMilliseconds: nowMilliseconds),
            past: delivered, deliveries: deliveries)
    }

    /// Turns a batch of local operations into frames and counts them as delivered: make the frames durable before
    /// anybody hears of the operations.
    ///
    /// There is no way back: if a frame cannot be made durable, rebuild the replica from what is.
    ///
    /// - Parameters:
    ///   - operations: the operations with contiguous dots from the point's first counter, and timestamps that do not
    ///     fall.
    ///   - point: where the batch began.
    /// - Returns: the payloads in order, for envelopes of kind `operations`: one, unless the batch exceeds a frame's
    ///   limits; none for an empty batch.
    /// - Throws: and nothing changes: `notPermitted` if frames were delivered or sealed since the batch began,
    ///   `malformed`, `limitExceeded` or `undefinedReference` for an operation that peers
    ///   would refuse.
    /// - Complexity: O(operations + changed dependencies).
    public mutating func seal(
        _ operations: [Operation], issuedAt point: IssuePoint
    ) throws(CRDTError) -> [[UInt8]] {
        guard let last = operations.last else { return [] }
        guard point.replica == own && point.firstCounter == nextCounter && point.deliveries == deliveries else {
            throw CRDTError(
                .notPermitted, "operations were delivered or issued after the batch began: begin and generate it anew")
        }
        guard last.timestamp <= clock.latest else {
            throw CRDTError(.malformed, "a local operation has a time that the clock did not give")
        }
        guard delivered[own] + UInt64(operations.count) <= Dot.maximumCounter else {
            throw CRDTError(.limitExceeded, "replica \(id) has no counters left: take a new incarnation")
        }
        let position = Int(own.rawValue)
        let marks = origins[position].symbols.mark
        var stream = StreamDefinitions(
            symbols: origins[position].symbols, numbers: numbers, names: symbols, replicas: replicas)
        // The stream's lists are moved, not copied: while the frames are made, the replica holds none.
        origins[position].symbols = StreamSymbols()
        numbers = StreamNumbers()
        let result = operations.withUnsafeBufferPointer { encode($0, &stream) }
        if case .failure = result {
            stream.numbers.forget(stream.symbols, after: marks)
            stream.symbols.truncate(to: marks)
        }
        origins[position].symbols = stream.symbols
        numbers = stream.numbers
        let payloads = try result.get()
        delivered[own] += UInt64(operations.count)
        origins[position].context.formUnion(delivered)
        changed.removeAll(keepingCapacity: true)
        return payloads
    }

    private func encode(
        _ operations: UnsafeBufferPointer<Operation>, _ stream: inout StreamDefinitions
    ) -> Result<[[UInt8]], CRDTError> {
        do throws(CRDTError) {
            var payloads: [[UInt8]] = []
            var start = 0
            while start < operations.count {
                let dependencies = start == 0 ? changed : []
                payloads.append(try encodeFrame(operations, &start, dependencies, &stream))
            }
            return .success(payloads)
        } catch {
            return .failure(error)
        }
    }

    /// Encodes as many operations as a frame takes and moves `start` past them.
    private func encodeFrame(
        _ operations: UnsafeBufferPointer<Operation>, _ start: inout Int, _ changed: [ReplicaIndex],
        _ stream: inout StreamDefinitions
    ) throws(CRDTError) -> [UInt8] {
        stream.startFrame()
        var entries: [(number: UInt64, counter: UInt64)] = []
        for replica in changed {
            entries.append((try stream.number(of: replica), delivered[replica]))
        }
        entries.sort { $0.number < $1.number }
        let firstTimestamp = operations[start].timestamp
        var body = ByteSink(capacity: min(operations.count - start, 4_096) * 32)
        var encoder = OperationEncoder(
            origin: own, firstCounter: delivered[own] + 1 + UInt64(start), timestamp: firstTimestamp, past: delivered)
        let limit = max(1, min(limits.maximumOperationsPerFrame, OperationFrame.maximumOperations))
        var end = start
        repeat {
            guard let base = operations.baseAddress else { break }
            try encoder.encode(base + end, &stream, into: &body)
            end += 1
        } while end < operations.count && end - start < limit
            && body.count + stream.bytes.count < OperationFrame.closingBytes
        let header = FrameHeader(
            partition: partition, origin: id, firstCounter: delivered[own] + 1 + UInt64(start),
            operationCount: end - start, timestamp: firstTimestamp, lastTimestamp: operations[end - 1].timestamp)
        var payload: [UInt8] = []
        payload.reserveCapacity(64 + entries.count * 12 + stream.bytes.count + body.count)
        header.encode(into: &payload)
        WireWriter.put(count: stream.count, into: &payload)
        payload.append(contentsOf: stream.bytes)
        WireWriter.put(count: entries.count, into: &payload)
        for entry in entries {
            WireWriter.put(entry.number, into: &payload)
            WireWriter.put(entry.counter, into: &payload)
        }
        body.append(to: &payload)
        start = end
        return payload
    }
}
