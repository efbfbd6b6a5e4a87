// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NIOCore

/// A value of Redis's protocol, version 2.
enum RedisValue: Hashable, Sendable {
    case text([UInt8])
    case number(Int64)
    case list([RedisValue])
    case null
    case failure(String)

    /// What bounds an answer.
    static let maximumTextBytes = 64 << 20
    static let maximumElements = 4 << 20
    static let maximumDepth = 8

    /// The bytes of a command: an array of strings.
    static func command(_ words: [[UInt8]]) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeString("*\(words.count)\r\n")
        for word in words {
            buffer.writeString("$\(word.count)\r\n")
            buffer.writeBytes(word)
            buffer.writeString("\r\n")
        }
        return buffer
    }

    /// Reads a value.
    ///
    /// - Returns: nothing when it is not complete; the buffer is as before then.
    /// - Throws: `refused` when it is none.
    static func read(_ buffer: inout ByteBuffer) throws(StoreError) -> RedisValue? {
        var copy = buffer
        guard let value = try read(&copy, depth: 0) else { return nil }
        buffer = copy
        return value
    }

    private static func read(_ buffer: inout ByteBuffer, depth: Int) throws(StoreError) -> RedisValue? {
        guard depth <= maximumDepth else { throw broken }
        guard let line = try line(&buffer), let kind = line.first else { return nil }
        let rest = String(decoding: line.dropFirst(), as: UTF8.self)
        switch kind {
        case UInt8(ascii: "+"): return .text(Array(line.dropFirst()))
        case UInt8(ascii: "-"): return .failure(rest)
        case UInt8(ascii: ":"):
            guard let number = Int64(rest) else { throw broken }
            return .number(number)
        case UInt8(ascii: "$"): return try text(&buffer, rest)
        case UInt8(ascii: "*"):
            guard let count = Int(rest), count <= maximumElements else { throw broken }
            guard count >= 0 else { return .null }
            var list: [RedisValue] = []
            for _ in 0..<count {
                guard let value = try read(&buffer, depth: depth + 1) else { return nil }
                list.append(value)
            }
            return .list(list)
        default: throw broken
        }
    }

    private static func text(_ buffer: inout ByteBuffer, _ length: String) throws(StoreError) -> RedisValue? {
        guard let count = Int(length), count <= maximumTextBytes else { throw broken }
        guard count >= 0 else { return .null }
        guard buffer.readableBytes >= count + 2, let bytes = buffer.readBytes(length: count) else { return nil }
        guard buffer.readBytes(length: 2) == [0x0D, 0x0A] else { throw broken }
        return .text(bytes)
    }

    /// A line without its end; nothing when it is not complete.
    private static func line(_ buffer: inout ByteBuffer) throws(StoreError) -> [UInt8]? {
        guard let end = buffer.readableBytesView.firstIndex(of: 0x0D) else {
            guard buffer.readableBytes <= 1 << 16 || buffer.getInteger(at: buffer.readerIndex) == UInt8(ascii: "$")
            else {
                throw broken
            }
            return nil
        }
        let count = end - buffer.readerIndex
        guard buffer.readableBytes >= count + 2, count > 0, let line = buffer.readBytes(length: count) else {
            return nil
        }
        guard buffer.readBytes(length: 2) == [0x0D, 0x0A] else { throw broken }
        return line
    }

    private static var broken: StoreError { StoreError(.refused, "the Redis server does not speak its protocol") }
}
