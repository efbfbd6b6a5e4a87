// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Writing the primitives of frames and records: the counterparts of ``WireReader``.
enum WireWriter {
    /// A variable-length integer in its shortest form.
    @inline(__always)
    static func put(_ value: UInt64, into bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// A count or an index, which is never negative.
    @inline(__always)
    static func put(count: Int, into bytes: inout [UInt8]) { put(UInt64(truncatingIfNeeded: count), into: &bytes) }

    /// A signed integer, small ones of either sign in few bytes.
    @inline(__always)
    static func put(zigzag value: Int64, into bytes: inout [UInt8]) { put(zigzag(value), into: &bytes) }

    /// The zigzag code of a signed integer.
    @inline(__always)
    static func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: (value << 1) ^ (value >> 63)) }

    /// Eight bytes, low byte first.
    static func put(fixed64 value: UInt64, into bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Eight bytes, high byte first, as in a digest.
    static func put(bigEndian64 value: UInt64, into bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// Length and text.
    static func put(_ text: String, into bytes: inout [UInt8]) {
        var text = text
        text.withUTF8 {
            put(count: $0.count, into: &bytes)
            bytes.append(contentsOf: $0)
        }
    }

    /// Length and text, by themselves.
    static func encoded(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        put(text, into: &bytes)
        return bytes
    }

    /// Length and bytes.
    static func put(_ name: ArraySlice<UInt8>, into bytes: inout [UInt8]) {
        put(count: name.count, into: &bytes)
        bytes.append(contentsOf: name)
    }
}
