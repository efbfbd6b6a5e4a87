// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit

/// The newest durable bytes of a log, in memory, for readers that are not behind.
///
/// What has just been committed is read at once by the replication of each peer and by whoever opens a new message; they need no call of the system for it.
/// Adding costs a copy of the bytes, and another for the half that stays when it is full.
struct LogTail {
    /// The most bytes that are kept.
    static let limit = 512 * 1024

    private var bytes: [UInt8] = []
    /// Where the first byte is in the log.
    private var base: LogPosition

    /// A tail without bytes.
    ///
    /// - Parameter position: the log's end.
    init(at position: LogPosition) { base = position }

    /// Adds what was committed; behind a gap, or when it is too large, it begins anew.
    ///
    /// - Parameters:
    ///   - position: where the first byte is in the log.
    ///   - mark: the first bytes.
    ///   - run: those behind them.
    mutating func append(at position: LogPosition, _ mark: [UInt8], _ run: ArraySlice<UInt8>) {
        let count = mark.count + run.count
        guard count <= Self.limit / 2 else {
            bytes = []
            base = position.advanced(by: count)
            return
        }
        if position != base.advanced(by: bytes.count) {
            bytes.removeAll(keepingCapacity: true)
            base = position
        }
        if bytes.count + count > Self.limit {
            let surplus = bytes.count - Self.limit / 2
            bytes.removeFirst(surplus)
            base = base.advanced(by: surplus)
        }
        bytes += mark
        bytes += run
    }

    /// Whether all that is durable from a position on is here.
    func holds(_ position: LogPosition) -> Bool {
        !bytes.isEmpty && position >= base && position <= base.advanced(by: bytes.count)
    }

    /// Reads bytes that are durable.
    ///
    /// - Returns: the bytes, or nil if they are not all here.
    func read(at position: LogPosition, length: Int) -> [UInt8]? {
        guard position >= base, length >= 0 else { return nil }
        let start = position.rawValue - base.rawValue
        guard start <= UInt64(bytes.count), length <= bytes.count - Int(start) else { return nil }
        return Array(bytes[Int(start)..<Int(start) + length])
    }
}
