// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension ScannerCore {
    /// How a line ended.
    enum Terminator {
        /// The message ended first.
        case none
        case lineFeed
        case carriageReturn
        /// CRLF.
        case both

        var bytes: [UInt8] {
            switch self {
            case .none: return []
            case .lineFeed: return [MailASCII.lineFeed]
            case .carriageReturn: return [MailASCII.carriageReturn]
            case .both: return [MailASCII.carriageReturn, MailASCII.lineFeed]
            }
        }
    }

    /// Holds back a line that begins with a hyphen.
    mutating func consumeCandidate(_ bytes: borrowing Span<UInt8>, from start: Int) -> Int {
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            if byte == MailASCII.lineFeed {
                endLine(textEnd: base + index, next: base + index + 1, terminator: .lineFeed)
                return index + 1
            }
            if byte == MailASCII.carriageReturn {
                pendingReturnPosition = base + index
                return index + 1
            }
            if candidate.count >= limits.maximumDelimiterBytes || (candidate.count == 1 && byte != MailASCII.hyphen) {
                releaseCandidate(terminator: .none)
                lineState = .content
                return index
            }
            candidate.append(byte)
            index += 1
        }
        return index
    }

    /// Reads header bytes up to the end of the line or of the chunk.
    mutating func consumeHeader(_ bytes: borrowing Span<UInt8>, from start: Int) -> Int {
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            if byte == MailASCII.lineFeed || byte == MailASCII.carriageReturn { break }
            index += 1
        }
        takeHeaderText(bytes, start..<index, isLineStart: base + start == lineStart)
        guard index < bytes.count else {
            emit(bytes, start..<index)
            return index
        }
        emit(bytes, start..<(index + 1))
        if bytes[index] == MailASCII.carriageReturn {
            pendingReturnPosition = base + index
        } else {
            endLine(textEnd: base + index, next: base + index + 1, terminator: .lineFeed)
        }
        return index + 1
    }

    /// Reads body bytes up to a line that may be a delimiter, or to the end of the chunk.
    ///
    /// One comparison for most bytes.
    mutating func consumeBody(_ bytes: borrowing Span<UInt8>, from start: Int) -> Int {
        let watchesDelimiters = !boundaries.isEmpty
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            guard byte <= MailASCII.carriageReturn, byte == MailASCII.lineFeed || byte == MailASCII.carriageReturn
            else { continue }
            let textEnd = base + index - 1
            if byte == MailASCII.carriageReturn {
                guard index < bytes.count else {
                    pendingReturnPosition = textEnd
                    break
                }
                if bytes[index] == MailASCII.lineFeed { index += 1 }
            }
            beginLine(previousTextEnd: textEnd, at: base + index)
            guard watchesDelimiters else { continue }
            if index == bytes.count || bytes[index] == MailASCII.hyphen {
                lineState = .start
                break
            }
        }
        emit(bytes, start..<index)
        return index
    }

    /// Ends a line whose end was not handled on the spot.
    mutating func endLine(textEnd: Int, next: Int, terminator: Terminator) {
        if lineState == .candidate {
            if let delimiter = matchDelimiter() {
                candidate.removeAll(keepingCapacity: true)
                takeDelimiter(delimiter, next: next)
                if terminator != .none { beginLine(previousTextEnd: textEnd, at: next) }
                lineState = .start
                return
            }
            releaseCandidate(terminator: terminator)
        }
        if terminator == .none { return }
        if isInHeader, textEnd == lineStart { endHeader(bodyStart: next) }
        beginLine(previousTextEnd: textEnd, at: next)
        lineState = .start
    }

    private mutating func beginLine(previousTextEnd textEnd: Int, at position: Int) {
        completedLines += 1
        previousTextEnd = textEnd
        lineStart = position
    }

    /// Treats the held back bytes as what they are: header or body.
    private mutating func releaseCandidate(terminator: Terminator) {
        var held = candidate
        candidate.removeAll(keepingCapacity: true)
        let textCount = held.count
        held.append(contentsOf: terminator.bytes)
        let span = held.span
        if isInHeader { takeHeaderText(span, 0..<textCount, isLineStart: true) }
        emit(span, 0..<held.count)
    }

    // delimiter := "--" boundary ["--"] transport-padding
    //
    // RFC 2046 lets a delimiter be a mere prefix of the line; then a boundary that begins like another one would match
    // for it, so all of the line is compared.
    private mutating func matchDelimiter() -> (entity: Int, isClosing: Bool)? {
        workCount += candidate.count
        var end = candidate.count
        while end > 2, MailASCII.isBlank(candidate[end - 1]) { end -= 1 }
        guard end > 2, candidate[0] == MailASCII.hyphen, candidate[1] == MailASCII.hyphen else { return nil }
        let opening = boundaries[Array(candidate[2..<end])]?.last
        var closing: Int?
        if end > 4, candidate[end - 1] == MailASCII.hyphen, candidate[end - 2] == MailASCII.hyphen {
            closing = boundaries[Array(candidate[2..<(end - 2)])]?.last
        }
        if let closing, closing > opening ?? -1 { return (closing, true) }
        return opening.map { ($0, false) }
    }
}
