// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Frames that arrived before something that they depend on, each listed under the one operation that it waits for.
///
/// Nothing is ever scanned for readiness: a frame is touched when it arrives and when the operation it waits for is
/// delivered, so the work per frame does not grow with the
/// number of waiting frames. Frames and bytes are bounded; what does not fit is not taken, and its sender repeats it
/// from the log.
public struct CausalBuffer: ~Copyable {
    /// The bounds of the buffer.
    public struct Limits: Sendable {
        /// The most waiting frames, default 131,072.
        public var maximumFrames = 131_072
        /// The most bytes of waiting frames, each counted with ``CausalBuffer/frameOverheadBytes``; default 64 MiB.
        public var maximumBytes = 64 << 20

        /// The defaults.
        public init() {}
    }

    /// A frame that waits.
    struct Held {
        var origin: ReplicaIndex
        var firstCounter: UInt64
        var operationCount: Int
        var payload: [UInt8]
        /// The dependencies that were missing when last looked, the next one to wait for last.
        var missing: [Dot]

        var cost: Int { payload.count + CausalBuffer.frameOverheadBytes }
    }

    /// What holding a frame came to.
    enum Outcome {
        case held
        case duplicate
        case overflow
    }

    private struct Slot {
        var held: Held?
        /// The next slot that waits for the same operation, or the next free one; -1 ends a chain.
        var next: Int32
    }

    /// What a waiting frame costs beside its bytes.
    public static let frameOverheadBytes = 160

    /// The bounds.
    public let limits: Limits
    /// The number of waiting frames.
    public private(set) var frameCount = 0
    /// The bytes of the waiting frames, overhead included.
    public private(set) var byteCount = 0
    /// The slots and list heads touched since the buffer was made: the work, for tests of its growth.
    public private(set) var work: UInt64 = 0

    private var slots: [Slot] = []
    private var firstFree: Int32 = -1
    /// By awaited replica, then awaited counter: the first slot of the chain.
    private var awaited: [[UInt64: Int32]] = []
    /// By packed dot of a frame's first operation: its slot.
    private var byFirstDot: [UInt64: Int32] = [:]
    /// Frames that lack nothing and were not admitted.
    private var parked: [Held] = []

    /// Makes an empty buffer.
    ///
    /// - Parameter limits: the bounds.
    public init(limits: Limits = Limits()) { self.limits = limits }

    /// Whether the frame is here already.
    ///
    /// - Parameters:
    ///   - origin: the frame's origin.
    ///   - firstCounter: its first counter.
    ///   - operationCount: its number of operations.
    ///   - payload: its bytes.
    /// - Returns: true if the same frame, or a longer one from the same counter, waits.
    /// - Throws: `fork` if a different frame with the same counters waits.
    /// - Complexity: O(1) expected, and one comparison of the bytes if the frame is here.
    public mutating func holds(
        origin: ReplicaIndex, firstCounter: UInt64, operationCount: Int, payload: RawSpan
    ) throws(CRDTError) -> Bool {
        work += 1
        guard let slot = byFirstDot[Dot(origin, firstCounter).packed], let held = slots[Int(slot)].held else {
            return false
        }
        guard held.operationCount == operationCount else { return operationCount < held.operationCount }
        let same = held.payload.withUnsafeBytes { left in
            payload.withUnsafeBytes { right in left.count == right.count && left.elementsEqual(right) }
        }
        guard same else {
            throw CRDTError(
                .fork, "two different frames claim \(operationCount) operations from \(Dot(origin, firstCounter))")
        }
        return true
    }

    /// Whether a frame of so many bytes fits.
    func hasRoom(for byteCount: Int) -> Bool {
        frameCount < limits.maximumFrames
            && self.byteCount + byteCount + Self.frameOverheadBytes <= limits.maximumBytes
    }

    /// Takes a frame that is not ready.
    ///
    /// A longer frame from the same counter takes the place of a shorter one and waits on in its stead.
    mutating func hold(_ held: Held, awaiting dot: Dot) throws(CRDTError) -> Outcome {
        let known = held.payload.span.bytes
        if try holds(
            origin: held.origin, firstCounter: held.firstCounter, operationCount: held.operationCount, payload: known)
        {
            return .duplicate
        }
        let first = Dot(held.origin, held.firstCounter).packed
        if let slot = byFirstDot[first], let shorter = slots[Int(slot)].held {
            guard byteCount - shorter.cost + held.cost <= limits.maximumBytes else { return .overflow }
            byteCount += held.cost - shorter.cost
            slots[Int(slot)].held = held
            return .held
        }
        guard hasRoom(for: held.payload.count) else { return .overflow }
        insert(held, awaiting: dot)
        return .held
    }

    /// Puts back a frame that `release` gave out and that lacks something else: there is room, for it was here before.
    mutating func insert(_ held: consuming Held, awaiting dot: Dot) {
        work += 1
        let replica = Int(dot.replica.rawValue)
        if replica >= awaited.count {
            awaited.append(contentsOf: repeatElement([:], count: replica + 1 - awaited.count))
        }
        frameCount += 1
        byteCount += held.cost
        let first = Dot(held.origin, held.firstCounter).packed
        let slot: Int32
        let next = awaited[replica][dot.counter] ?? -1
        if firstFree >= 0 {
            slot = firstFree
            firstFree = slots[Int(slot)].next
            slots[Int(slot)] = Slot(held: held, next: next)
        } else {
            slot = Int32(truncatingIfNeeded: slots.count)
            slots.append(Slot(held: held, next: next))
        }
        awaited[replica][dot.counter] = slot
        byFirstDot[first] = slot
    }

    /// The number of frames that lack nothing and were not admitted.
    var parkedCount: Int { parked.count }

    /// Puts back a frame that `release` gave out and that was not admitted.
    mutating func park(_ held: consuming Held) {
        frameCount += 1
        byteCount += held.cost
        parked.append(held)
    }

    /// Gives out the frames that were not admitted, the first one last, as `release` does.
    mutating func takeParked() -> [Held] {
        for held in parked {
            frameCount -= 1
            byteCount -= held.cost
        }
        let frames = Array(parked.reversed())
        parked.removeAll()
        return frames
    }

    /// Gives out the frames that wait for operations that were just delivered.
    ///
    /// Costs at most one look-up per delivered operation, none when nothing waits for this replica, and one step per
    /// frame given out.
    mutating func release(_ replica: ReplicaIndex, _ counters: ClosedRange<UInt64>, into queue: inout [Held]) {
        let index = Int(replica.rawValue)
        guard index < awaited.count else { return }
        let span = counters.upperBound - counters.lowerBound
        if span >= UInt64(awaited[index].count) {
            // Fewer awaited counters than delivered ones: look at those.
            for counter in awaited[index].keys.filter(counters.contains).sorted() { take(index, counter, &queue) }
            work += UInt64(awaited[index].count)
            return
        }
        var counter = counters.lowerBound
        while true {
            take(index, counter, &queue)
            if counter == counters.upperBound || awaited[index].isEmpty { return }
            counter += 1
        }
    }

    /// Checks what must always hold.
    ///
    /// - Throws: `malformed`, with the rule that is broken.
    /// - Complexity: O(frames).
    public func checkInvariants() throws(CRDTError) {
        var frames = 0
        var bytes = 0
        for (replica, heads) in awaited.enumerated() {
            for head in heads.values {
                var slot = head
                while slot >= 0 {
                    guard let held = slots[Int(slot)].held else {
                        throw CRDTError(.malformed, "a chain of waiting frames for \(replica) holds a free slot")
                    }
                    guard byFirstDot[Dot(held.origin, held.firstCounter).packed] == slot else {
                        throw CRDTError(.malformed, "a waiting frame is not listed by its first counter")
                    }
                    frames += 1
                    bytes += held.cost
                    slot = slots[Int(slot)].next
                }
            }
        }
        guard byFirstDot.count == frames else {
            throw CRDTError(.malformed, "\(byFirstDot.count) frames are listed by their first counter, \(frames) wait")
        }
        frames += parked.count
        for held in parked { bytes += held.cost }
        guard frames == frameCount && bytes == byteCount else {
            throw CRDTError(.malformed, "\(frames) frames of \(bytes) bytes wait, counted \(frameCount), \(byteCount)")
        }
        guard frameCount <= limits.maximumFrames && byteCount <= limits.maximumBytes else {
            throw CRDTError(.malformed, "the buffer exceeds its limits")
        }
    }

    private mutating func take(_ replica: Int, _ counter: UInt64, _ queue: inout [Held]) {
        work += 1
        guard var slot = awaited[replica].removeValue(forKey: counter) else { return }
        while slot >= 0 {
            work += 1
            let next = slots[Int(slot)].next
            if let held = slots[Int(slot)].held {
                byFirstDot[Dot(held.origin, held.firstCounter).packed] = nil
                frameCount -= 1
                byteCount -= held.cost
                queue.append(held)
            }
            slots[Int(slot)] = Slot(held: nil, next: firstFree)
            firstFree = slot
            slot = next
        }
    }
}
