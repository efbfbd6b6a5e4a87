// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The payload of the frame that begins every group commit.
///
///     u64 batch number | u64 position of the mark's own first byte | u64 salt of the segment
///
/// Batch N+1 is written only after batch N was synchronised to the disk. A mark that stands where it says therefore proves
/// that everything before it was durable: damage before a mark is corruption, damage with no mark after it is a torn tail.
public struct LogBatchMark: Hashable, Sendable {
    /// The size of the whole frame in bytes, envelope included.
    public static let frameBytes = FrameEnvelope.headerBytes + 24

    /// The batch's number in its log, counted from 1 without gaps over all segments.
    public let number: UInt64
    /// The position of the mark's first byte, which is where the batch begins.
    public let position: LogPosition
    /// The salt in the header of the segment.
    public let salt: UInt64

    /// Describes a batch.
    ///
    /// - Parameters:
    ///   - number: the batch's number.
    ///   - position: where the batch begins.
    ///   - salt: the salt in the header of the segment.
    public init(number: UInt64, position: LogPosition, salt: UInt64) {
        self.number = number
        self.position = position
        self.salt = salt
    }

    /// Appends the mark as a frame.
    ///
    /// - Parameter bytes: the buffer that grows by ``frameBytes``.
    public func append(to bytes: inout [UInt8]) {
        let start = FrameEnvelope.begin(kind: .batchMark, in: &bytes)
        LogBytes.append(number, to: &bytes)
        LogBytes.append(position.rawValue, to: &bytes)
        LogBytes.append(salt, to: &bytes)
        FrameEnvelope.finish(start, in: &bytes)
    }

    /// Reads the payload of a mark.
    ///
    /// - Parameter payload: the payload of a frame of kind ``FrameKind/batchMark``.
    /// - Returns: the mark; nothing when the payload has another size than a mark.
    public static func decode(_ payload: borrowing RawSpan) -> LogBatchMark? {
        guard payload.byteCount == frameBytes - FrameEnvelope.headerBytes else { return nil }
        return LogBatchMark(
            number: LogBytes.uint64(payload, at: 0), position: LogPosition(rawValue: LogBytes.uint64(payload, at: 8)),
            salt: LogBytes.uint64(payload, at: 16))
    }
}
