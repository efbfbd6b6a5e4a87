// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension Replica {
    /// Takes a frame from a peer.
    ///
    /// Duplicates, old frames and parts of frames that were delivered before are recognised by their counters. A frame
    /// that comes too early waits and is delivered when what it depends on is.
    ///
    /// - Parameters:
    ///   - payload: the payload of an envelope of kind `operations`, unchanged.
    ///   - nowMilliseconds: the wall clock, milliseconds since 1970.
    /// - Returns: what became of it.
    /// - Throws: and nothing changes: `malformed`, `unsupportedVersion` or `limitExceeded` for bytes that are no frame
    ///   of this partition, `undefinedReference` if it refers to a symbol or an operation
    ///   that its origin cannot know, `clockTooFarAhead`, and `fork` if it contradicts another frame or speaks of
    ///   operations that this replica never issued.
    /// - Complexity: O(operations + changed dependencies) for a new frame, O(1) for a duplicate.
    public mutating func receive(
        _ payload: RawSpan, nowMilliseconds: UInt64
    ) throws(CRDTError) -> ReceiveResult {
        try accept(payload, nowMilliseconds: nowMilliseconds) { _ in true }
    }

    /// Takes a frame from a peer if the caller can apply it now.
    ///
    /// The store asks here whether it has in memory what the operations change. A frame that had waited, is ready and
    /// is not admitted stays here: see ``deferredFrames`` and ``resumeDeferred(admitting:)``. What the closure sees is
    /// valid until it returns; an account or a replica that the frame is the first to name may have another index
    /// later, and there is nothing of it to load.
    ///
    /// - Parameters:
    ///   - payload: the payload of an envelope of kind `operations`, unchanged.
    ///   - nowMilliseconds: the wall clock, milliseconds since 1970.
    ///   - admits: called once for each frame that is about to be delivered, in the order of delivery; false postpones
    ///     the frame. Frames before it may have been delivered in the same call and not been applied yet.
    /// - Returns: what became of it; ``ReceiveResult/deferred`` if the given frame was not admitted.
    /// - Throws: as ``receive(_:nowMilliseconds:)-(RawSpan,_)`` does.
    public mutating func receive(
        _ payload: RawSpan, nowMilliseconds: UInt64, admitting admits: (DecodedFrame) -> Bool
    ) throws(CRDTError) -> ReceiveResult {
        try accept(payload, nowMilliseconds: nowMilliseconds, admits)
    }

    /// Takes a frame from a peer that lies in an array if the caller can apply it now.
    ///
    /// - Parameters:
    ///   - payload: the payload of an envelope of kind `operations`, unchanged.
    ///   - nowMilliseconds: the wall clock, milliseconds since 1970.
    ///   - admits: as for a span.
    /// - Returns: what became of it.
    /// - Throws: as ``receive(_:nowMilliseconds:)-(RawSpan,_)`` does.
    public mutating func receive(
        _ payload: [UInt8], nowMilliseconds: UInt64, admitting admits: (DecodedFrame) -> Bool
    ) throws(CRDTError) -> ReceiveResult {
        try accept(payload.span.bytes, nowMilliseconds: nowMilliseconds, admits)
    }

    /// Delivers frames that had waited, were ready and were not admitted, and what waits for them.
    ///
    /// - Parameter admits: as for a frame from a peer; a frame that is not admitted stays.
    /// - Returns: what was delivered, nothing perhaps, and the frames that turned out to be invalid.
    /// - Complexity: as for receiving the frames.
    public mutating func resumeDeferred(
        admitting admits: (DecodedFrame) -> Bool
    ) -> (delivered: [DecodedFrame], refused: [RefusedFrame]) {
        var frames: [DecodedFrame] = []
        let refused = drain(buffer.takeParked(), into: &frames, admits)
        return (frames, refused)
    }

    /// Takes a frame from a peer that lies in an array.
    ///
    /// - Parameters:
    ///   - payload: the payload of an envelope of kind `operations`, unchanged.
    ///   - nowMilliseconds: the wall clock, milliseconds since 1970.
    /// - Returns: what became of it.
    /// - Throws: as ``receive(_:nowMilliseconds:)-(RawSpan,_)`` does.
    public mutating func receive(_ payload: [UInt8], nowMilliseconds: UInt64) throws(CRDTError) -> ReceiveResult {
        try accept(payload.span.bytes, nowMilliseconds: nowMilliseconds) { _ in true }
    }

    /// Takes a frame from the node's own log at start-up, in the order of the log: own frames and those of peers.
    ///
    /// Frames that the checkpoint contains are answered `duplicate`, so a log may be replayed from any earlier
    /// position. The clock is believed.
    ///
    /// - Parameter payload: the payload.
    /// - Returns: what became of it.
    /// - Throws: and nothing changes: as for a frame from a peer; `malformed` also if own frames are missing from the
    ///   log.
    /// - Complexity: as for a frame from a peer.
    public mutating func recover(_ payload: RawSpan) throws(CRDTError) -> ReceiveResult {
        try accept(payload, nowMilliseconds: nil) { _ in true }
    }

    /// Takes a frame from the node's own log that lies in an array.
    ///
    /// - Parameter payload: the payload.
    /// - Returns: what became of it.
    /// - Throws: as for a span.
    public mutating func recover(_ payload: [UInt8]) throws(CRDTError) -> ReceiveResult {
        try accept(payload.span.bytes, nowMilliseconds: nil) { _ in true }
    }

    /// What decoding a frame whose stream has no gap came to.
    private enum Attempt {
        case delivered(DecodedFrame)
        /// In the order to wait for them, the next one last.
        case lacks([Dot])
        case notAdmitted
    }

    /// `nowMilliseconds` is nil during recovery.
    private mutating func accept(
        _ payload: RawSpan, nowMilliseconds: UInt64?, _ admits: (DecodedFrame) -> Bool
    ) throws(CRDTError) -> ReceiveResult {
        var offset = 0
        let header = try FrameHeader(payload, &offset)
        guard header.partition == partition else {
            throw CRDTError(.malformed, "a frame of partition \(header.partition) reached partition \(partition)")
        }
        let known = replicas.index(of: header.origin)
        let seen = known.map { delivered[$0] } ?? 0
        if header.lastCounter <= seen { return .duplicate }
        let isOwn = known == own
        if let nowMilliseconds { try checkRemote(header, isOwn: isOwn, nowMilliseconds) }
        if let known, buffer.frameCount > 0,
            try buffer.holds(
                origin: known, firstCounter: header.firstCounter, operationCount: header.operationCount,
                payload: payload)
        {
            return .duplicate
        }
        if header.firstCounter > seen + 1 {
            let position = StreamPosition(origin: header.origin, counter: seen + 1)
            if isOwn { throw lost(position) }
            let isStranger = known == nil
            guard buffer.hasRoom(for: payload.byteCount) && (!isStranger || strangers.count < limits.maximumStrangers)
            else { return .overflow(requestFrom: position) }
            let origin = try replica(header.origin)
            if isStranger { strangers.insert(origin) }
            return try hold(header, origin, payload, missing: [Dot(origin, header.firstCounter - 1)], from: position)
        }
        switch try attempt(header, known, payload, offset, recovering: nowMilliseconds == nil, admits) {
        case .delivered(let frame):
            return drain(after: frame, admits)
        case .notAdmitted:
            return .deferred
        case .lacks(let missing):
            guard let next = missing.last else { return .duplicate }
            if isOwn { throw lost(position(of: next)) }
            guard buffer.hasRoom(for: payload.byteCount) else {
                return .overflow(requestFrom: StreamPosition(origin: header.origin, counter: seen + 1))
            }
            let origin = try replica(header.origin)
            return try hold(header, origin, payload, missing: missing, from: position(of: next))
        }
    }

    private func checkRemote(
        _ header: FrameHeader, isOwn: Bool, _ nowMilliseconds: UInt64
    ) throws(CRDTError) {
        if isOwn {
            throw staleLife(header.lastCounter)
        }
        guard clock.accepts(header.lastTimestamp, nowMilliseconds: nowMilliseconds) else {
            let time = header.lastTimestamp.milliseconds
            throw CRDTError(
                .clockTooFarAhead,
                "\(header.origin) is at \(time) ms, here it is \(nowMilliseconds): check the clocks"
            )
        }
    }

    private func lost(_ position: StreamPosition) -> CRDTError {
        CRDTError(.malformed, "the log lacks \(position), which an own frame follows")
    }

    /// Where to ask for an operation that is missing: everything of its origin from the first that is not here.
    private func position(of dot: Dot) -> StreamPosition {
        StreamPosition(origin: replicas.ids[Int(dot.replica.rawValue)], counter: delivered[dot.replica] + 1)
    }

    private mutating func hold(
        _ header: FrameHeader, _ origin: ReplicaIndex, _ payload: RawSpan, missing: [Dot], from: StreamPosition
    ) throws(CRDTError) -> ReceiveResult {
        var rest = missing
        guard let next = rest.popLast() else { return .duplicate }
        let held = CausalBuffer.Held(
            origin: origin, firstCounter: header.firstCounter, operationCount: header.operationCount,
            payload: payload.withUnsafeBytes { Array($0) }, missing: rest)
        switch try buffer.hold(held, awaiting: next) {
        case .held: return .waiting(missing: from)
        case .duplicate: return .duplicate
        case .overflow:
            let counter = delivered[origin] + 1
            return .overflow(requestFrom: StreamPosition(origin: header.origin, counter: counter))
        }
    }

    /// Delivers what waited for the frame, then what waited for that, and so on.
    private mutating func drain(after first: DecodedFrame, _ admits: (DecodedFrame) -> Bool) -> ReceiveResult {
        var frames = [first]
        guard buffer.frameCount > 0 else { return .delivered(frames, refused: []) }
        var queue: [CausalBuffer.Held] = []
        buffer.release(first.origin, first.counters, into: &queue)
        let refused = drain(queue, into: &frames, admits)
        return .delivered(frames, refused: refused)
    }

    /// Delivers the frames whose wait is over, and what waits for them.
    private mutating func drain(
        _ ready: [CausalBuffer.Held], into frames: inout [DecodedFrame], _ admits: (DecodedFrame) -> Bool
    ) -> [RefusedFrame] {
        var queue = ready
        var refused: [RefusedFrame] = []
        while var held = queue.popLast() {
            while let dot = held.missing.last, delivered.contains(dot) { held.missing.removeLast() }
            if let dot = held.missing.popLast() {
                buffer.insert(held, awaiting: dot)
                continue
            }
            do throws(CRDTError) {
                if let frame = try retry(held, admits) {
                    frames.append(frame)
                    buffer.release(frame.origin, frame.counters, into: &queue)
                }
            } catch {
                let origin = replicas.ids[Int(held.origin.rawValue)]
                let position = StreamPosition(origin: origin, counter: held.firstCounter)
                refused.append(RefusedFrame(position: position, error: error))
            }
        }
        return refused
    }

    /// Decodes a frame whose wait is over; nil if all its operations came by another way, if it has to wait for
    /// something else or if it is not admitted.
    private mutating func retry(
        _ held: CausalBuffer.Held, _ admits: (DecodedFrame) -> Bool
    ) throws(CRDTError) -> DecodedFrame? {
        let payload = held.payload.span.bytes
        var offset = 0
        let header = try FrameHeader(payload, &offset)
        if header.lastCounter <= delivered[held.origin] { return nil }
        switch try attempt(header, held.origin, payload, offset, recovering: false, admits) {
        case .delivered(var frame):
            frame.heldPayload = held.payload
            return frame
        case .lacks(let missing):
            var waiting = held
            waiting.missing = missing
            if let dot = waiting.missing.popLast() { buffer.insert(waiting, awaiting: dot) }
            return nil
        case .notAdmitted:
            buffer.park(held)
            return nil
        }
    }

    /// Where everything that a frame can add to stands.
    private struct Marks {
        let replicas: Int
        let symbols: SymbolTable.Mark
        let stream: StreamSymbols.Mark?
    }

    /// Decodes a frame whose stream has no gap, and delivers it if it lacks nothing and is admitted; otherwise nothing
    /// has changed but, if there was no error, the table of replicas.
    private mutating func attempt(
        _ header: FrameHeader, _ known: ReplicaIndex?, _ payload: RawSpan, _ start: Int, recovering: Bool,
        _ admits: (DecodedFrame) -> Bool
    ) throws(CRDTError) -> Attempt {
        let marks = Marks(
            replicas: replicas.count, symbols: symbols.mark,
            stream: known.map { origins[Int($0.rawValue)].symbols.mark })
        do throws(CRDTError) {
            let origin = if let known { known } else { try replica(header.origin) }
            let before = marks.stream ?? origins[Int(origin.rawValue)].symbols.mark
            var attempt = try decode(header, origin, payload, start, recovering)
            if case .delivered(let frame) = attempt, !admits(frame) { attempt = .notAdmitted }
            switch attempt {
            case .delivered(let frame): commit(frame, header, before)
            case .lacks, .notAdmitted:
                origins[Int(origin.rawValue)].symbols.truncate(to: before)
                symbols.truncate(to: marks.symbols)
            }
            return attempt
        } catch {
            if let known, let stream = marks.stream { origins[Int(known.rawValue)].symbols.truncate(to: stream) }
            origins.removeLast(replicas.count - marks.replicas)
            replicas.truncate(to: marks.replicas)
            symbols.truncate(to: marks.symbols)
            throw error
        }
    }

    private mutating func decode(
        _ header: FrameHeader, _ origin: ReplicaIndex, _ payload: RawSpan, _ start: Int, _ recovering: Bool
    ) throws(CRDTError) -> Attempt {
        var offset = start
        try define(origin, payload, &offset)
        let seen = delivered[origin]
        var past = origins[Int(origin.rawValue)].context
        let missing = try dependencies(origin, payload, &offset, into: &past)
        past[origin] = seen
        if !recovering, let dot = missing.first(where: { $0.replica == own }) {
            throw staleLife(dot.counter)
        }
        guard header.operationCount <= payload.byteCount - offset else { throw WireReader.truncated() }
        guard header.firstCounter <= seen + 1 else { throw CRDTError(.malformed, "a frame came before its turn") }
        var decoder = OperationDecoder(
            header, origin: origin, symbols: origins[Int(origin.rawValue)].symbols, replicas: replicas.ids, past: past)
        let skipped = Int(seen + 1 - header.firstCounter)
        for _ in 0..<skipped { _ = try decoder.next(payload, &offset) }
        let operations = try decoder.next(header.operationCount - skipped, payload, &offset)
        guard offset == payload.byteCount else {
            throw CRDTError(.malformed, "\(payload.byteCount - offset) bytes follow a frame's last operation")
        }
        guard decoder.lastTimestamp == header.lastTimestamp else {
            throw CRDTError(.malformed, "a frame's last operation is not at the time that its header says")
        }
        if !missing.isEmpty { return .lacks(missing.reversed()) }
        return .delivered(
            DecodedFrame(
                origin: origin, counters: (seen + 1)...header.lastCounter, past: past, operations: operations))
    }

    /// Reads the frame's definitions into the tables.
    private mutating func define(
        _ origin: ReplicaIndex, _ bytes: RawSpan, _ offset: inout Int
    ) throws(CRDTError) {
        let position = Int(origin.rawValue)
        let count = try WireReader.varint(bytes, &offset)
        // The shortest definition has four bytes.
        guard count <= UInt64(bytes.byteCount - offset) / 4 else { throw WireReader.truncated() }
        for _ in 0..<count {
            let code = try WireReader.byte(bytes, &offset)
            guard let kind = DefinitionKind(rawValue: code) else {
                throw CRDTError(.malformed, "definition kind \(code) is not known")
            }
            let number = try WireReader.varint(bytes, &offset)
            switch kind {
            case .account:
                let index = try symbols.intern(account: try name(bytes, &offset))
                try StreamSymbols.define(
                    number, index, in: &origins[position].symbols.accounts, atMost: limits.symbols.maximumAccounts)
            case .keyword:
                let index = try symbols.adopt(keyword: try name(bytes, &offset), introduced: origin == own)
                try StreamSymbols.define(
                    number, index, in: &origins[position].symbols.keywords, atMost: limits.symbols.maximumKeywords)
            case .replica:
                let raw = try WireReader.fixed64(bytes, &offset)
                let life = try WireReader.varint(bytes, &offset, atMost: UInt64(UInt32.max), "an incarnation")
                let index = try replica(ReplicaID(raw, incarnation: UInt32(truncatingIfNeeded: life)))
                try StreamSymbols.define(
                    number, index, in: &origins[position].symbols.replicas, atMost: ReplicaTable.capacity + 1)
            }
        }
    }

    private func name(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> String {
        try WireReader.text(bytes, &offset, atMost: SymbolTable.Limits.maximumNameBytes, "a symbol's name")
    }

    /// Reads what the origin had seen since its last frame into `past`, and tells what of it is not here.
    private func dependencies(
        _ origin: ReplicaIndex, _ bytes: RawSpan, _ offset: inout Int, into past: inout VersionVector
    ) throws(CRDTError) -> [Dot] {
        var missing: [Dot] = []
        var previous: UInt64 = 1
        let numbers = origins[Int(origin.rawValue)].symbols.replicas
        let count = try WireReader.varint(bytes, &offset)
        guard count <= UInt64(bytes.byteCount - offset) / 2 else { throw WireReader.truncated() }
        for _ in 0..<count {
            let number = try WireReader.varint(bytes, &offset)
            let counter = try WireReader.varint(bytes, &offset, atMost: Dot.maximumCounter, "a counter")
            guard number > previous && counter > 0 else {
                throw CRDTError(.malformed, "the dependencies of a frame are out of order")
            }
            previous = number
            let replica = try StreamSymbols.meaning(number, in: numbers)
            guard replica != origin && replica != .wellKnown else {
                throw CRDTError(.malformed, "a frame depends on its own origin")
            }
            past[replica] = max(past[replica], counter)
            if counter > delivered[replica] { missing.append(Dot(replica, counter)) }
        }
        return missing
    }

    private mutating func commit(_ frame: DecodedFrame, _ header: FrameHeader, _ before: StreamSymbols.Mark) {
        let position = Int(frame.origin.rawValue)
        let last = frame.counters.upperBound
        // In place: the context grows by what the frame told and is not copied.
        origins[position].context.formUnion(frame.past)
        origins[position].context[frame.origin] = last
        clock.recover(header.lastTimestamp)
        if frame.origin == own {
            numbers.learn(origins[position].symbols, after: before)
            delivered[own] = last
            let context = origins[position].context
            changed.removeAll { delivered[$0] <= context[$0] }
        } else {
            if delivered[frame.origin] == origins[Int(own.rawValue)].context[frame.origin] {
                changed.append(frame.origin)
            }
            delivered[frame.origin] = last
            deliveries &+= 1
            if !strangers.isEmpty { strangers.remove(frame.origin) }
        }
    }
}
