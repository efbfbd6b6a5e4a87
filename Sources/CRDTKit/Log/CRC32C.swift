// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The 32-bit cyclic redundancy check with the Castagnoli polynomial (RFC 3720 section 12.1 and appendix B.4).
///
/// Every frame on the wire and in the log carries it. It finds damage, it does not stop anybody who forges frames.
/// The cost is about half a nanosecond a byte: eight table lookups for eight bytes ("slicing by eight").
public struct CRC32C: Sendable {
    /// The check's shift register: the complement of the checksum.
    private var register: UInt32

    /// Begins a check, or goes on with an earlier one.
    ///
    /// - Parameter checksum: the checksum of the bytes that come before; 0 when there are none.
    public init(continuing checksum: UInt32 = 0) {
        register = ~checksum
    }

    /// Adds bytes to the check.
    ///
    /// - Parameter bytes: the bytes that follow those already given.
    /// - Complexity: O(n) in the count of bytes.
    public mutating func update(_ bytes: borrowing RawSpan) {
        register = bytes.withUnsafeBytes { buffer in
            CRC32CTables.entries.withUnsafeBufferPointer { tables in
                Self.advance(register, over: buffer, with: tables)
            }
        }
    }

    /// The checksum of all the bytes so far.
    public var checksum: UInt32 {
        ~register
    }

    /// Computes the checksum of bytes in one call.
    ///
    /// - Parameters:
    ///   - bytes: the bytes to check.
    ///   - checksum: the checksum of the bytes that come before; 0 when there are none.
    /// - Returns: the checksum of the earlier bytes followed by these.
    /// - Complexity: O(n) in the count of bytes.
    public static func checksum(_ bytes: borrowing RawSpan, continuing checksum: UInt32 = 0) -> UInt32 {
        var check = CRC32C(continuing: checksum)
        check.update(bytes)
        return check.checksum
    }

    /// Moves the register over a buffer: eight bytes a step, then the rest one by one.
    private static func advance(
        _ start: UInt32, over buffer: UnsafeRawBufferPointer, with tables: UnsafeBufferPointer<UInt32>
    ) -> UInt32 {
        var register = start
        var index = 0
        let eights = buffer.count & ~7
        while index < eights {
            let word = UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let mixed = word ^ UInt64(register)
            let low =
                tables[1792 + Int(mixed & 0xFF)] ^ tables[1536 + Int((mixed >> 8) & 0xFF)]
                ^ tables[1280 + Int((mixed >> 16) & 0xFF)] ^ tables[1024 + Int((mixed >> 24) & 0xFF)]
            let high =
                tables[768 + Int((mixed >> 32) & 0xFF)] ^ tables[512 + Int((mixed >> 40) & 0xFF)]
                ^ tables[256 + Int((mixed >> 48) & 0xFF)] ^ tables[Int(mixed >> 56)]
            register = low ^ high
            index += 8
        }
        while index < buffer.count {
            register = tables[Int((register ^ UInt32(buffer[index])) & 0xFF)] ^ (register >> 8)
            index += 1
        }
        return register
    }
}

/// The eight lookup tables of the check, one after the other.
private enum CRC32CTables {
    /// The Castagnoli polynomial 0x1EDC6F41 with its bits reversed, because the check shifts to the right.
    private static let polynomial: UInt32 = 0x82F6_3B78

    /// Entry `256 * k + b` is the register after byte `b` and then `k` zero bytes.
    static let entries: [UInt32] = {
        var entries: [UInt32] = []
        entries.reserveCapacity(8 * 256)
        for byte in 0..<UInt32(256) {
            var register = byte
            for _ in 0..<8 {
                register = register & 1 == 1 ? (register >> 1) ^ polynomial : register >> 1
            }
            entries.append(register)
        }
        for index in 256..<(8 * 256) {
            let previous = entries[index - 256]
            entries.append(entries[Int(previous & 0xFF)] ^ (previous >> 8))
        }
        return entries
    }()
}
