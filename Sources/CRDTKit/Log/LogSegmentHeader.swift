// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The first bytes of every segment file of a log; `docs/log.md` draws them.
///
///     8 magic "KUIPLOG1" | u32 format version | u32 reserved | u64 segment number | u64 base position
///     u64 first batch | u64 salt | u32 reserved | u32 crc32c
///
/// The checksum covers the 52 bytes before it. The header is durable before the first frame is written, so a damaged header
/// with bytes after it is corruption, never a torn write.
public struct LogSegmentHeader: Hashable, Sendable {
    /// The bytes that a segment begins with.
    public static let magic: [UInt8] = Array("KUIPLOG1".utf8)
    /// The format version that this code writes, and the newest that it reads.
    public static let formatVersion: UInt32 = 1
    /// The size of the header in bytes.
    public static let byteCount = 56

    /// The segment's number in its log, counted from 1 without gaps.
    public let number: UInt64
    /// The position of the segment's first byte.
    public let base: LogPosition
    /// The number that the segment's first batch has or will have.
    public let firstBatch: UInt64
    /// A random number of the segment, repeated in its batch marks, so that bytes inside a mail cannot pose as a mark.
    public let salt: UInt64

    /// Describes a segment.
    ///
    /// - Parameters:
    ///   - number: the segment's number.
    ///   - base: the position of its first byte.
    ///   - firstBatch: the number of its first batch.
    ///   - salt: a number nobody can guess.
    public init(number: UInt64, base: LogPosition, firstBatch: UInt64, salt: UInt64) {
        self.number = number
        self.base = base
        self.firstBatch = firstBatch
        self.salt = salt
    }

    /// Encodes the header.
    ///
    /// - Returns: the 56 bytes of the header.
    public func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        bytes.append(contentsOf: Self.magic)
        LogBytes.append(Self.formatVersion, to: &bytes)
        LogBytes.append(UInt32(0), to: &bytes)
        LogBytes.append(number, to: &bytes)
        LogBytes.append(base.rawValue, to: &bytes)
        LogBytes.append(firstBatch, to: &bytes)
        LogBytes.append(salt, to: &bytes)
        LogBytes.append(UInt32(0), to: &bytes)
        let check = LogBytes.checksum(of: bytes)
        LogBytes.append(check, to: &bytes)
        return bytes
    }

    /// Reads the header at the beginning of a segment.
    ///
    /// - Parameter bytes: the bytes of the segment, from its first one on.
    /// - Returns: the header.
    /// - Throws: ``FrameFault`` with `truncated`, `badMagic`, `checksumMismatch` or `unsupportedVersion`.
    public static func decode(_ bytes: borrowing RawSpan) throws(FrameFault) -> LogSegmentHeader {
        guard bytes.byteCount >= byteCount else {
            throw FrameFault(
                .truncated, at: 0, "the segment has \(bytes.byteCount) bytes, its header alone has \(byteCount)")
        }
        for (index, byte) in magic.enumerated() where LogBytes.uint8(bytes, at: index) != byte {
            throw FrameFault(.badMagic, at: 0, "the segment does not begin with KUIPLOG1")
        }
        let stated = LogBytes.uint32(bytes, at: byteCount - 4)
        let actual = CRC32C.checksum(bytes.extracting(0..<(byteCount - 4)))
        guard stated == actual else {
            throw FrameFault(
                .checksumMismatch, at: 0, "the checksum of the segment header is \(actual), it says \(stated)")
        }
        let version = LogBytes.uint32(bytes, at: 8)
        guard version == formatVersion else {
            throw FrameFault(
                .unsupportedVersion, at: 0,
                "the segment has format version \(version), this program reads \(formatVersion)")
        }
        return LogSegmentHeader(
            number: LogBytes.uint64(bytes, at: 16), base: LogPosition(rawValue: LogBytes.uint64(bytes, at: 24)),
            firstBatch: LogBytes.uint64(bytes, at: 32), salt: LogBytes.uint64(bytes, at: 40))
    }
}
