// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The envelope that every frame has on the wire and in the log; `docs/log.md` draws it.
///
///     u32 length | u32 crc32c | u8 version | u8 kind | payload
///
/// Numbers are little-endian. The length counts everything after the checksum; the checksum covers version, kind and payload.
/// A received frame is written to the log unchanged, so the two formats are one.
public enum FrameEnvelope {
    /// The format version that this code writes, and the only one that it reads.
    public static let version: UInt8 = 1
    /// The bytes in front of the payload: length, checksum, version and kind.
    public static let headerBytes = 10
    /// The bytes in front of what the length counts: the length itself and the checksum.
    static let prefixBytes = 8

    /// What a reader accepts.
    public struct Limits: Hashable, Sendable {
        /// The largest frame, envelope included; 16 MiB unless said otherwise.
        public var maximumFrameBytes: Int

        /// Sets the limits.
        ///
        /// - Parameter maximumFrameBytes: the largest frame, envelope included.
        public init(maximumFrameBytes: Int = 16 * 1024 * 1024) {
            self.maximumFrameBytes = maximumFrameBytes
        }
    }

    /// Appends a whole frame.
    ///
    /// - Parameters:
    ///   - kind: what the payload holds.
    ///   - payload: the payload; below 4 GiB, and below the readers' limit to be of use.
    ///   - bytes: the buffer that grows by the frame.
    public static func append(kind: FrameKind, payload: borrowing RawSpan, to bytes: inout [UInt8]) {
        bytes.reserveCapacity(bytes.count + headerBytes + payload.byteCount)
        let start = begin(kind: kind, in: &bytes)
        payload.withUnsafeBytes { bytes.append(contentsOf: $0) }
        finish(start, in: &bytes)
    }

    /// Begins a frame whose payload the caller appends to the same buffer.
    ///
    /// - Parameters:
    ///   - kind: what the payload holds.
    ///   - bytes: the buffer that grows by the envelope.
    /// - Returns: the index of the frame's first byte, for ``finish(_:in:)``.
    public static func begin(kind: FrameKind, in bytes: inout [UInt8]) -> Int {
        let start = bytes.count
        LogBytes.append(UInt64(0), to: &bytes)
        bytes.append(version)
        bytes.append(kind.rawValue)
        return start
    }

    /// Ends a frame: writes the length and the checksum of everything that was appended since it began.
    ///
    /// - Precondition: `start` came from ``begin(kind:in:)`` with the same buffer, and the frame is below 4 GiB.
    /// - Parameters:
    ///   - start: the index of the frame's first byte.
    ///   - bytes: the buffer; the frame reaches to its end.
    public static func finish(_ start: Int, in bytes: inout [UInt8]) {
        let length = UInt32(bytes.count - start - prefixBytes)
        let check = LogBytes.checksum(of: bytes, from: start + prefixBytes)
        LogBytes.patch(length, at: start, in: &bytes)
        LogBytes.patch(check, at: start + 4, in: &bytes)
    }

    /// Reads the frame that begins at an offset.
    ///
    /// - Parameters:
    ///   - bytes: the bytes that are there so far.
    ///   - offset: where the frame begins, between 0 and the count of bytes.
    ///   - limits: what to accept.
    /// - Returns: the frame, how many bytes are missing at least, or what is wrong. A frame of an unknown version is reported
    ///   as ``FrameFault/Code/unsupportedVersion`` only when its checksum is right.
    /// - Complexity: O(n) in the length of the frame.
    public static func read(
        _ bytes: borrowing RawSpan, at offset: Int, limits: Limits = Limits()
    ) -> FrameReadResult {
        let available = bytes.byteCount - offset
        guard available >= 4 else { return .incomplete(needed: max(headerBytes - available, 1)) }
        let length = Int(LogBytes.uint32(bytes, at: offset))
        guard length >= headerBytes - prefixBytes else {
            return .malformed(
                FrameFault(.lengthTooSmall, at: offset, "the frame's length is \(length), the smallest is 2"))
        }
        guard length <= limits.maximumFrameBytes - prefixBytes else {
            return .malformed(
                FrameFault(
                    .lengthTooLarge, at: offset,
                    "the frame has \(length + prefixBytes) bytes, the limit is \(limits.maximumFrameBytes)"))
        }
        let end = offset + prefixBytes + length
        guard end <= bytes.byteCount else { return .incomplete(needed: end - bytes.byteCount) }
        let stated = LogBytes.uint32(bytes, at: offset + 4)
        let actual = CRC32C.checksum(bytes.extracting((offset + prefixBytes)..<end))
        guard stated == actual else {
            return .malformed(
                FrameFault(.checksumMismatch, at: offset, "the checksum is \(actual), the frame says \(stated)"))
        }
        let version = LogBytes.uint8(bytes, at: offset + 8)
        guard version == Self.version else {
            return .malformed(
                FrameFault(
                    .unsupportedVersion, at: offset,
                    "the frame has version \(version), this program reads \(Self.version)"))
        }
        let kind = FrameKind(rawValue: LogBytes.uint8(bytes, at: offset + 9))
        return .frame(kind: kind, version: version, payload: (offset + headerBytes)..<end, end: end)
    }
}

/// What ``FrameEnvelope/read(_:at:limits:)`` found.
public enum FrameReadResult: Hashable, Sendable {
    /// A whole and undamaged frame; the payload is a range of the bytes that were read, `end` is where the next frame begins.
    case frame(kind: FrameKind, version: UInt8, payload: Range<Int>, end: Int)
    /// The frame is not all there: at least so many more bytes are needed.
    case incomplete(needed: Int)
    /// These bytes are no frame, whatever comes after them.
    case malformed(FrameFault)
}
