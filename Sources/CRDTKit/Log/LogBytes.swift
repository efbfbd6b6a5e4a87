// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Little-endian numbers in the fixed-width headers of the log.
enum LogBytes {
    /// Appends a number of any width, least significant byte first.
    static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
        var rest = value
        for _ in 0..<(value.bitWidth / 8) {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    /// Overwrites four bytes of an array; the caller has put them there.
    static func patch(_ value: UInt32, at index: Int, in bytes: inout [UInt8]) {
        for shift in 0..<4 {
            bytes[index + shift] = UInt8(truncatingIfNeeded: value >> UInt32(8 * shift))
        }
    }

    /// Reads four bytes that the caller knows to be there.
    static func uint32(_ bytes: borrowing RawSpan, at offset: Int) -> UInt32 {
        UInt32(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// Reads eight bytes that the caller knows to be there.
    static func uint64(_ bytes: borrowing RawSpan, at offset: Int) -> UInt64 {
        UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// Reads one byte that the caller knows to be there.
    static func uint8(_ bytes: borrowing RawSpan, at offset: Int) -> UInt8 {
        bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
    }

    /// The checksum of an array's bytes from an index on.
    static func checksum(of bytes: [UInt8], from start: Int = 0) -> UInt32 {
        let span = bytes.span
        return CRC32C.checksum(span.bytes.extracting(start..<bytes.count))
    }
}
