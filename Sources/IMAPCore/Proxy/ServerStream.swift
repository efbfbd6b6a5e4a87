// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Cuts a server's stream into responses without changing a byte (RFC 3501 section 7).
///
/// A response is kept until it is complete, so that a client is not left with a half of one when the server is gone; only one
/// of more than ``longestKept`` bytes, with a large literal, comes in parts.
///
/// Memory: what was received and not taken, at most ``longestKept`` bytes and what was last received.
struct ServerStream {
    /// What a response is.
    enum Kind: Equatable {
        /// The end of a command.
        case tagged(Tag, ResponseStatus)
        /// The server wants the rest of a command.
        case continuation
        /// The connection ends.
        case bye
        /// Anything else.
        case untagged
    }

    /// A part of the stream; its bytes are to be passed on as they are.
    enum Piece: Equatable {
        /// The next part of a response that is too large to be kept.
        case part([UInt8])
        /// A response, or its last part.
        case response([UInt8], Kind)
    }

    /// Responses of more bytes are passed on before they are complete.
    static let longestKept = 65_536

    private var buffer: [UInt8] = []
    /// The first byte that was not taken.
    private var head = 0
    /// The first byte that was not looked at: the begin of a line, or within one.
    private var scanned = 0
    /// The begin of the line that is being looked at.
    private var lineStart = 0
    private var literalRemaining = 0
    /// The kind of the response, once the begin of its first line is known.
    private var kind: Kind?
    /// Whether the response can have literals; the text of a status response may end in anything.
    private var mayHoldLiterals = false

    /// Whether a part of a response was taken and not its end.
    private(set) var isInsideResponse = false

    /// The bytes that were received and not taken.
    var bufferedByteCount: Int { buffer.count - head }

    /// Takes the next bytes.
    mutating func receive(_ bytes: Span<UInt8>) {
        if head > 0, head >= buffer.count / 2 {
            buffer.removeFirst(head)
            scanned -= head
            lineStart -= head
            head = 0
        }
        bytes.withUnsafeBufferPointer { buffer.append(contentsOf: $0) }
    }

    /// Takes the next piece.
    ///
    /// - Returns: nil when more bytes are needed.
    mutating func next() -> Piece? {
        while true {
            let skipped = min(literalRemaining, buffer.count - scanned)
            scanned += skipped
            literalRemaining -= skipped
            if skipped > 0 { lineStart = scanned }
            guard literalRemaining == 0, let feed = buffer[scanned...].firstIndex(of: 0x0A) else {
                if literalRemaining == 0 { scanned = buffer.count }
                return takePart()
            }
            let line = buffer[lineStart..<feed]
            scanned = feed + 1
            let known = recognise(line)
            if mayHoldLiterals, case .literal(let byteCount, _) = LiteralHeader.atEnd(of: Self.withoutBreak(line)) {
                literalRemaining = byteCount
                lineStart = scanned
                continue
            }
            kind = nil
            lineStart = scanned
            isInsideResponse = false
            return .response(take(scanned - head), known)
        }
    }

    /// The kind of the response whose line this is, which its first line decides.
    private mutating func recognise(_ line: ArraySlice<UInt8>) -> Kind {
        if let kind { return kind }
        let first = Self.kind(of: line)
        mayHoldLiterals = first == .untagged && Self.status(ofWordIn: line.dropFirst(2)) == nil
        kind = first
        return first
    }

    private mutating func takePart() -> Piece? {
        guard buffer.count - head > Self.longestKept else { return nil }
        var end = scanned
        if literalRemaining == 0 {
            _ = recognise(buffer[lineStart...])
            // The announcement of a literal must not be torn from the end of its line.
            end -= LiteralHeader.maximumBytes + 2
            lineStart = max(lineStart, end)
        }
        isInsideResponse = true
        return .part(take(end - head))
    }

    private mutating func take(_ count: Int) -> [UInt8] {
        let bytes = Array(buffer[head..<(head + count)])
        head += count
        if head == buffer.count {
            buffer.removeAll(keepingCapacity: buffer.capacity <= 1 << 17)
            (head, scanned, lineStart) = (0, 0, 0)
        }
        return bytes
    }

    // MARK: Lines

    private static func withoutBreak(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        line.last == 0x0D ? line.dropLast() : line
    }

    private static func kind(of line: ArraySlice<UInt8>) -> Kind {
        switch line.first {
        case UInt8(ascii: "+"): return .continuation
        case UInt8(ascii: "*"):
            return status(ofWordIn: line.dropFirst(2)) == .bye ? .bye : .untagged
        default:
            guard let tag = Tag.prefix(of: line), let status = status(ofWordIn: line.dropFirst(tag.bytes.count + 1))
            else { return .untagged }
            return .tagged(tag, status)
        }
    }

    /// The status that a word at the begin of text names.
    private static func status(ofWordIn text: ArraySlice<UInt8>) -> ResponseStatus? {
        let word = text.prefix(8).prefix { $0 != UInt8(ascii: " ") && $0 != 0x0D }
        return ResponseStatus(rawValue: String(decoding: word.map(ByteClass.uppercased), as: UTF8.self))
    }
}
