// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Reading the primitives of frames and records from bytes that nobody vouches for: each function moves `offset` past
/// what it read or throws, and none reads past
/// the end, allocates by a claimed count or traps.
///
/// Free-standing over `RawSpan` and an `inout` offset: as fast as a cursor type would be and in need of no experimental
/// feature.
enum WireReader {
    /// The bytes end too early.
    @inline(never)
    static func truncated() -> CRDTError { CRDTError(.malformed, "the bytes end in the middle of a value") }

    /// One byte.
    @inline(__always)
    static func byte(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> UInt8 {
        guard offset < bytes.byteCount else { throw truncated() }
        let value = bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
        offset += 1
        return value
    }

    /// A variable-length integer: seven bits a byte, low bits first, the eighth bit set on all but the last byte; the
    /// shortest form only.
    @inline(__always)
    static func varint(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> UInt64 {
        guard offset < bytes.byteCount else { throw truncated() }
        let first = bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
        if first < 0x80 {
            offset += 1
            return UInt64(first)
        }
        return try longVarint(bytes, &offset)
    }

    /// A varint of two bytes at least: up to eight bytes are looked at as one word, what is longer or near the end byte by byte.
    private static func longVarint(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> UInt64 {
        guard bytes.byteCount - offset >= 8 else { return try varintByBytes(bytes, &offset) }
        let word = UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
        // The first byte without its eighth bit is the last of the integer.
        let ends = ~word & 0x8080_8080_8080_8080
        if ends == 0 { return try varintByBytes(bytes, &offset) }
        let length = ends.trailingZeroBitCount / 8 + 1
        let last = word >> UInt64(length * 8 - 8) & 0x7f
        guard last != 0 else { throw CRDTError(.malformed, "an integer is not in its shortest form") }
        var packed = word & 0x7f7f_7f7f_7f7f_7f7f
        if length < 8 { packed &= (1 << UInt64(length * 8)) - 1 }
        // Pairs, then fours, then all eight groups of seven bits move together.
        packed = (packed & 0x007f_007f_007f_007f) | (packed & 0x7f00_7f00_7f00_7f00) >> 1
        packed = (packed & 0x0000_3fff_0000_3fff) | (packed & 0x3fff_0000_3fff_0000) >> 2
        packed = (packed & 0x0000_0000_0fff_ffff) | (packed & 0x0fff_ffff_0000_0000) >> 4
        offset += length
        return packed
    }

    private static func varintByBytes(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 64 {
            let byte = try byte(bytes, &offset)
            if shift == 63 && byte > 1 { throw CRDTError(.malformed, "an integer exceeds 64 bits") }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 {
                guard byte != 0 || shift == 0 else {
                    throw CRDTError(.malformed, "an integer is not in its shortest form")
                }
                return value
            }
            shift += 7
        }
        throw CRDTError(.malformed, "an integer exceeds 64 bits")
    }

    /// A variable-length integer that may not exceed a bound.
    @inline(__always)
    static func varint(
        _ bytes: RawSpan, _ offset: inout Int, atMost limit: UInt64, _ what: StaticString
    ) throws(CRDTError) -> UInt64 {
        let value = try varint(bytes, &offset)
        guard value <= limit else { throw excessive(value, limit, what) }
        return value
    }

    @inline(never)
    private static func excessive(_ value: UInt64, _ limit: UInt64, _ what: StaticString) -> CRDTError {
        CRDTError(.limitExceeded, "\(what) is at most \(limit), got \(value)")
    }

    /// A signed integer, small ones of either sign in few bytes.
    @inline(__always)
    static func zigzag(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> Int64 {
        unzigzag(try varint(bytes, &offset))
    }

    /// The signed integer of a zigzag code.
    @inline(__always)
    static func unzigzag(_ code: UInt64) -> Int64 { Int64(bitPattern: code >> 1) ^ -Int64(bitPattern: code & 1) }

    /// Eight bytes, low byte first.
    static func fixed64(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> UInt64 {
        guard bytes.byteCount - offset >= 8 else { throw truncated() }
        let value = bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
        offset += 8
        return UInt64(littleEndian: value)
    }

    /// Eight bytes, high byte first, as in a digest.
    static func bigEndian64(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> UInt64 {
        try fixed64(bytes, &offset).byteSwapped
    }

    /// The 32 bytes of a digest.
    @inline(__always)
    static func digest(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> BodyDigest {
        guard bytes.byteCount - offset >= 32 else { throw truncated() }
        let first = bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
        let second = bytes.unsafeLoadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
        let third = bytes.unsafeLoadUnaligned(fromByteOffset: offset + 16, as: UInt64.self)
        let fourth = bytes.unsafeLoadUnaligned(fromByteOffset: offset + 24, as: UInt64.self)
        offset += 32
        return BodyDigest(
            words: (
                UInt64(bigEndian: first), UInt64(bigEndian: second), UInt64(bigEndian: third),
                UInt64(bigEndian: fourth)
            ))
    }

    /// Length and text: 1 to `limit` bytes of valid UTF-8.
    static func text(
        _ bytes: RawSpan, _ offset: inout Int, atMost limit: Int, _ what: StaticString
    ) throws(CRDTError) -> String {
        let length = Int(try varint(bytes, &offset, atMost: UInt64(limit), what))
        guard length > 0 else { throw CRDTError(.malformed, "\(what) is empty") }
        guard bytes.byteCount - offset >= length else { throw truncated() }
        let part = bytes.extracting(offset..<offset + length)
        let text = part.withUnsafeBytes { String(validating: $0, as: UTF8.self) }
        guard let text else { throw CRDTError(.malformed, "\(what) is not UTF-8") }
        offset += length
        return text
    }
}
