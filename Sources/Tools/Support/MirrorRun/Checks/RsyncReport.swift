// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import SyncJobs

/// What rsync wrote in its part of a log.
enum RsyncReport {
    /// The most bytes that are looked at: the beginning has the first complaints, the end the statistics.
    static let limit: Int64 = 64 << 20
    private static let pieceBytes = 256 << 10

    /// Reads a part of a log.
    ///
    /// - Parameters:
    ///   - descriptor: the log.
    ///   - range: the part.
    /// - Returns: what rsync said.
    /// - Throws: ``RunFailure`` when the log cannot be read.
    static func read(_ descriptor: Int32, _ range: Range<Int64>) throws(RunFailure) -> RsyncOutputReader {
        var reader = RsyncOutputReader()
        if range.upperBound - range.lowerBound > limit {
            try read(descriptor, range.lowerBound..<(range.lowerBound + limit / 2), &reader)
            _ = reader.finish()
            try read(descriptor, (range.upperBound - limit / 2)..<range.upperBound, &reader)
        } else {
            try read(descriptor, range, &reader)
        }
        _ = reader.finish()
        return reader
    }

    private static func read(
        _ descriptor: Int32, _ range: Range<Int64>, _ reader: inout RsyncOutputReader
    ) throws(RunFailure) {
        var position = range.lowerBound
        var piece = [UInt8](repeating: 0, count: pieceBytes)
        while position < range.upperBound {
            let wanted = min(piece.count, Int(range.upperBound - position))
            let count = pread(descriptor, &piece, wanted, off_t(position))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw RunFailure.system("read the log", errno) }
            if count == 0 { return }
            _ = reader.read(Array(piece[..<count]))
            position += Int64(count)
        }
    }
}
