// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Bytes in the making, with the primitives of ``WireWriter``: for the operations of a frame, of which there are many.
///
/// It owns its memory, so that a byte costs a comparison and a store; appending to an array asks each time whether anybody shares it.
struct ByteSink: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0

    /// The longest variable-length integer.
    private static let longestVarint = 10

    init(capacity: Int) {
        self.capacity = max(capacity, 64)
        base = .allocate(capacity: self.capacity)
    }

    deinit { base.deallocate() }

    /// A byte that was written before.
    subscript(position: Int) -> UInt8 {
        get {
            precondition(position >= 0 && position < count, "the byte was not written")
            return base[position]
        }
        set {
            precondition(position >= 0 && position < count, "the byte was not written")
            base[position] = newValue
        }
    }

    /// One byte.
    @inline(__always)
    mutating func append(_ byte: UInt8) {
        if count == capacity { grow(by: 1) }
        base[count] = byte
        count += 1
    }

    /// A variable-length integer in its shortest form.
    @inline(__always)
    mutating func put(_ value: UInt64) {
        if capacity - count < ByteSink.longestVarint { grow(by: ByteSink.longestVarint) }
        if value < 0x80 {
            base[count] = UInt8(truncatingIfNeeded: value)
            count += 1
            return
        }
        var rest = value
        var position = count
        repeat {
            base[position] = UInt8(truncatingIfNeeded: rest) | 0x80
            rest >>= 7
            position += 1
        } while rest >= 0x80
        base[position] = UInt8(truncatingIfNeeded: rest)
        count = position + 1
    }

    /// A signed integer, small ones of either sign in few bytes.
    @inline(__always)
    mutating func put(zigzag value: Int64) { put(WireWriter.zigzag(value)) }

    /// The 32 bytes of a digest.
    mutating func put(_ digest: BodyDigest) {
        if capacity - count < 32 { grow(by: 32) }
        let target = UnsafeMutableRawPointer(base + count)
        target.storeBytes(of: digest.words.0.bigEndian, as: UInt64.self)
        target.storeBytes(of: digest.words.1.bigEndian, toByteOffset: 8, as: UInt64.self)
        target.storeBytes(of: digest.words.2.bigEndian, toByteOffset: 16, as: UInt64.self)
        target.storeBytes(of: digest.words.3.bigEndian, toByteOffset: 24, as: UInt64.self)
        count += 32
    }

    /// Bytes as they are.
    mutating func append(contentsOf bytes: [UInt8]) {
        if capacity - count < bytes.count { grow(by: bytes.count) }
        bytes.withUnsafeBufferPointer {
            guard let source = $0.baseAddress else { return }
            (base + count).initialize(from: source, count: $0.count)
        }
        count += bytes.count
    }

    /// Appends everything to an array.
    func append(to bytes: inout [UInt8]) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: base, count: count))
    }

    @inline(never)
    private mutating func grow(by length: Int) {
        capacity = max(capacity * 2, count + length)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        larger.moveInitialize(from: base, count: count)
        base.deallocate()
        base = larger
    }
}
