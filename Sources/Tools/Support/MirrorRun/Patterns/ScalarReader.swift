// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import SyncJobs

/// Reads a part of a file as Unicode scalars, from any place.
struct ScalarReader {
    static let pieceBytes = 64 << 10

    private let descriptor: Int32
    private let range: Range<Int64>
    private var piece: [UInt8] = []
    private var pieceStart: Int64
    /// Where the next scalar begins.
    private(set) var position: Int64

    init(_ descriptor: Int32, _ range: Range<Int64>) {
        self.descriptor = descriptor
        self.range = range
        pieceStart = range.lowerBound
        position = range.lowerBound
    }

    /// Goes to a place.
    ///
    /// - Parameter place: the place, where a scalar begins.
    /// - Returns: the scalar before it, or what of it tells words from others; nothing at the beginning.
    /// - Throws: ``RunFailure`` when the file cannot be read.
    mutating func seek(_ place: Int64) throws(RunFailure) -> UInt32? {
        guard place > range.lowerBound else {
            position = range.lowerBound
            return nil
        }
        position = place - 1
        let byte = try byte()
        position = place
        // Only ASCII matters to assertions.
        return byte.map { $0 < 128 ? UInt32($0) : 0xFFFD }
    }

    /// Where the scalar after a place begins; beyond the end when there is none.
    ///
    /// - Throws: ``RunFailure`` when the file cannot be read.
    mutating func position(after place: Int64) throws(RunFailure) -> Int64 {
        position = place
        return try next() == nil ? range.upperBound + 1 : position
    }

    /// Skips bytes that no match begins with.
    ///
    /// - Parameters:
    ///   - table: which bytes may begin one.
    ///   - before: the scalar before the place where this begins.
    /// - Returns: the scalar before the place where it ends.
    /// - Throws: ``RunFailure`` when the file cannot be read.
    mutating func skip(until table: [Bool], _ before: UInt32?) throws(RunFailure) -> UInt32? {
        var before = before
        while position < range.upperBound {
            try fill()
            let start = Int(position - pieceStart)
            guard start < piece.count else { return before }
            let end = piece[start...].firstIndex { table[Int($0)] }
            if end ?? piece.count > start {
                let last = piece[(end ?? piece.count) - 1]
                before = last < 128 ? UInt32(last) : 0xFFFD
            }
            position = pieceStart + Int64(end ?? piece.count)
            if end != nil { return before }
        }
        return before
    }

    /// The next scalar; nothing at the end.
    ///
    /// - Throws: ``RunFailure`` when the file cannot be read.
    mutating func next() throws(RunFailure) -> UInt32? {
        guard let lead = try byte() else { return nil }
        let (length, bits): (Int, UInt32)
        switch lead {
        case 0..<0x80: return UInt32(lead)
        case 0xC2..<0xE0: (length, bits) = (1, UInt32(lead & 0x1F))
        case 0xE0..<0xF0: (length, bits) = (2, UInt32(lead & 0x0F))
        case 0xF0..<0xF5: (length, bits) = (3, UInt32(lead & 0x07))
        default: return 0xFFFD
        }
        let start = position
        var value = bits
        for _ in 0..<length {
            guard let byte = try byte(), byte & 0xC0 == 0x80 else {
                position = start
                return 0xFFFD
            }
            value = value << 6 | UInt32(byte & 0x3F)
        }
        let least: UInt32 = length == 1 ? 0x80 : length == 2 ? 0x800 : 0x10000
        guard value >= least, Unicode.Scalar(value) != nil else {
            position = start
            return 0xFFFD
        }
        return value
    }

    private mutating func byte() throws(RunFailure) -> UInt8? {
        guard position < range.upperBound else { return nil }
        try fill()
        let index = Int(position - pieceStart)
        guard index < piece.count else { return nil }
        position += 1
        return piece[index]
    }

    private mutating func fill() throws(RunFailure) {
        let index = position - pieceStart
        if index >= 0, index < Int64(piece.count) { return }
        let wanted = Int(min(Int64(Self.pieceBytes), range.upperBound - position))
        var bytes = [UInt8](repeating: 0, count: wanted)
        var count = pread(descriptor, &bytes, wanted, off_t(position))
        while count < 0, errno == EINTR { count = pread(descriptor, &bytes, wanted, off_t(position)) }
        guard count >= 0 else { throw RunFailure.system("read the log", errno) }
        piece = Array(bytes[..<count])
        pieceStart = position
    }
}
