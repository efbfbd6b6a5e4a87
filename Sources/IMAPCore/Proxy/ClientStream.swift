// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Cuts a client's stream into lines and literals without changing a byte (RFC 3501 sections 2.2 and 4.3, RFC 7888).
///
/// Unlike ``CommandFramer`` it does not judge: whatever the server refuses, it refuses itself. Where the meaning of what
/// follows depends on the server's answer, the stream waits for ``resume(after:)``.
///
/// Memory: what was received and not taken, at most one line of ``longestLine`` bytes; longer lines come in parts.
struct ClientStream {
    /// A part of the stream; its bytes are to be passed on as they are.
    enum Piece: Equatable {
        /// A line with its break, and the literal that its end announces.
        case line([UInt8], LiteralHeader?)
        /// The beginning, or the middle, of a line that is too long to be kept.
        case linePart([UInt8])
        /// Bytes of a literal.
        case literal([UInt8], isLast: Bool)
        /// Bytes that cannot be made sense of, because a literal before them was too large to count.
        case untracked([UInt8])
    }

    enum Mode: Equatable {
        case line
        case literal(remaining: Int)
        /// Waits for the server's word.
        case waiting
        /// Nothing can be told apart any more.
        case untracked
    }

    /// Lines of this many bytes are passed on before their end has come.
    static let longestLine = 65_536

    private(set) var mode = Mode.line
    private var buffer: [UInt8] = []
    private var head = 0
    private var scanned = 0
    /// The end of what was passed on of a long line: the announcement of a literal may begin there.
    private var tail: [UInt8] = []

    /// The bytes that were received and not taken.
    var bufferedByteCount: Int { buffer.count - head }

    // MARK: Inputs

    /// Takes the next bytes.
    mutating func receive(_ bytes: Span<UInt8>) {
        if head > 0, head >= buffer.count / 2 {
            buffer.removeFirst(head)
            scanned -= head
            head = 0
        }
        bytes.withUnsafeBufferPointer { buffer.append(contentsOf: $0) }
    }

    /// The literal that was announced follows, now or at once.
    mutating func expectLiteral(_ byteCount: Int) {
        mode = byteCount > 0 ? .literal(remaining: byteCount) : .line
    }

    /// A line follows.
    mutating func expectLine() { mode = .line }

    /// What follows depends on what the server says.
    mutating func wait() { mode = .waiting }

    /// What follows is not understood.
    mutating func stopTracking() { mode = .untracked }

    // MARK: Outputs

    /// Takes the next piece.
    ///
    /// - Returns: nil when more bytes, or the server's word, are needed.
    mutating func next() -> Piece? {
        switch mode {
        case .waiting: return nil
        case .line: return nextLine()
        case .literal(let remaining):
            let count = min(remaining, bufferedByteCount)
            guard count > 0 else { return nil }
            mode = count == remaining ? .line : .literal(remaining: remaining - count)
            return .literal(take(count), isLast: count == remaining)
        case .untracked:
            guard bufferedByteCount > 0 else { return nil }
            return .untracked(take(bufferedByteCount))
        }
    }

    /// A line ends with its LF, as at the server.
    private mutating func nextLine() -> Piece? {
        let from = max(head, scanned)
        guard let feed = buffer[from...].firstIndex(of: 0x0A) else {
            scanned = buffer.count
            guard bufferedByteCount > Self.longestLine else { return nil }
            let part = take(bufferedByteCount)
            tail = Array((tail + part.suffix(LiteralHeader.maximumBytes + 1)).suffix(LiteralHeader.maximumBytes + 1))
            return .linePart(part)
        }
        let line = take(feed + 1 - head)
        var end = (tail + line.suffix(LiteralHeader.maximumBytes + 2)).dropLast()
        if end.last == 0x0D { end.removeLast() }
        tail = []
        return .line(line, LiteralHeader.atEnd(of: end))
    }

    private mutating func take(_ count: Int) -> [UInt8] {
        let bytes = Array(buffer[head..<(head + count)])
        head += count
        scanned = max(scanned, head)
        if head == buffer.count {
            buffer.removeAll(keepingCapacity: buffer.capacity <= 1 << 17)
            (head, scanned) = (0, 0)
        }
        return bytes
    }
}
