// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Errors, throwing away, and the buffer.
extension CommandFramer {
    /// The result of looking for a line.
    enum LineResult {
        /// The end has not come yet.
        case incomplete
        /// The line is longer than allowed; nothing was consumed.
        case tooLong
        /// The line without its break, which may be one or two bytes.
        case line(Range<Int>)
    }

    /// Looks for the end of the line that starts at `head`.
    mutating func takeLine() -> LineResult {
        guard let end = findLineFeed() else {
            // One more byte may be the CR of the line break.
            return bufferedByteCount > limits.lineBytes + 1 ? .tooLong : .incomplete
        }
        let hasReturn = end > head && buffer[end - 1] == 0x0D
        let range = head..<(hasReturn ? end - 1 : end)
        return range.count > limits.lineBytes ? .tooLong : .line(range)
    }

    private mutating func findLineFeed() -> Int? {
        while scanned < buffer.count {
            if buffer[scanned] == 0x0A { return scanned }
            scanned += 1
            examinedBytes += 1
        }
        return nil
    }

    /// Consumes a line that `takeLine()` returned, with its break.
    mutating func consume(_ line: Range<Int>) {
        head = line.upperBound + (buffer[line.upperBound] == 0x0D ? 2 : 1)
        scanned = head
    }

    mutating func advance(by count: Int) {
        head += count
        scanned = head
    }

    /// Gives back the memory of what has been consumed.
    mutating func compact() {
        if head == buffer.count {
            if buffer.capacity > 16_384 { buffer = [] } else { buffer.removeAll(keepingCapacity: true) }
        } else if head >= 4_096, head * 2 >= buffer.count {
            buffer.removeSubrange(..<head)
        } else {
            return
        }
        scanned = max(0, scanned - head)
        head = 0
    }

    /// Goes back to the start of a command.
    mutating func startCommand() {
        state = .line
        command = []
        literalCount = 0
        messageError = nil
        discardedTail = []
        discardedLineCount = 0
        discardedLiteralCount = 0
    }

    func lineTooLong() -> IMAPError {
        // No byte behind the limit counts: whether it is here already depends on how the stream was cut.
        let known = min(Tag.maximumBytes + 1, limits.lineBytes)
        let start = command.isEmpty ? buffer[head...].prefix(known) : command[...]
        let tag = state == .line && mode == .command ? Tag.prefix(of: start) : nil
        return IMAPError(
            code: .lineTooLong, message: "A line cannot have more than \(limits.lineBytes) bytes.", tag: tag)
    }

    func commandTooLong(tag: Tag?) -> IMAPError {
        IMAPError(
            code: .commandTooLong, message: "A command cannot have more than \(limits.commandBytes) bytes.", tag: tag)
    }

    /// Reports an error in a line that has not been consumed, and throws the line away.
    mutating func fail(_ error: IMAPError) {
        queue.append(.invalid(error))
        mode = .command
        startDiscarding()
    }

    /// Reports an error in a line that has been consumed, and throws away what its literal announces.
    mutating func fail(_ error: IMAPError, before header: LiteralHeader?) {
        queue.append(.invalid(error))
        discard(after: header)
    }

    /// Throws away the rest of the command, starting with a line.
    mutating func startDiscarding() {
        command = []
        messageError = nil
        discardedTail = []
        state = .discardingLine
    }

    /// Throws away the rest of a command after a line that may have announced a literal.
    ///
    /// Behind a synchronising literal the command is over: the client waits, sees the tagged response and does not send
    /// the literal. A non-synchronising one comes anyway, and when it is too large the connection has to end (RFC 7888
    /// section 4).
    mutating func discard(after header: LiteralHeader?) {
        switch header {
        case nil, .literal(_, .synchronizing), .overflow(.synchronizing):
            startCommand()
        case .literal(let byteCount, .nonSynchronizing):
            discardedLiteralCount += byteCount
            guard discardedLiteralCount <= limits.discardedLiteralBytes else {
                end("A literal of \(byteCount) bytes is too large to be skipped.")
                return
            }
            command = []
            messageError = nil
            state = .discardingLiteral(remaining: byteCount)
        case .overflow(.nonSynchronizing):
            end("A literal of more than 4294967295 bytes cannot be skipped.")
        }
    }

    mutating func stepDiscardingLine() -> Bool {
        let start = head
        let end = findLineFeed()
        let stop = end ?? buffer.count
        guard end != nil || stop > start else { return false }
        discardedLineCount += stop - start
        guard discardedLineCount <= limits.discardedLineBytes else {
            self.end("A line of more than \(limits.discardedLineBytes) bytes is too long to be skipped.", code: nil)
            return true
        }
        // One byte more than a header, because the last may be the CR of the line break.
        discardedTail.append(contentsOf: buffer[start..<stop].suffix(LiteralHeader.maximumBytes + 1))
        discardedTail.removeFirst(max(0, discardedTail.count - LiteralHeader.maximumBytes - 1))
        guard end != nil else {
            advance(by: stop - start)
            return false
        }
        advance(by: stop - start + 1)
        if discardedTail.last == 0x0D { discardedTail.removeLast() }
        let header = LiteralHeader.atEnd(of: discardedTail[...])
        discardedTail = []
        discard(after: header)
        return true
    }

    mutating func stepDiscardingLiteral(_ remaining: Int) -> Bool {
        let count = min(remaining, bufferedByteCount)
        guard count > 0 || remaining == 0 else { return false }
        advance(by: count)
        state = count == remaining ? .discardingLine : .discardingLiteral(remaining: remaining - count)
        return true
    }

    /// Ends the stream: no later byte can be told to be a command.
    private mutating func end(_ message: String, code: ResponseCode? = .tooBig) {
        queue.append(
            .invalid(IMAPError(code: .lostFraming, message: message, scope: .connection, responseCode: code)))
        startCommand()
        state = .ended
        buffer = []
        (head, scanned) = (0, 0)
    }
}

extension Tag {
    /// Reads the tag at the start of a command, also of a broken one.
    ///
    ///     command = tag SP ...
    ///
    /// - Parameter command: the start of a command.
    /// - Returns: nil when there is none.
    static func prefix(of command: ArraySlice<UInt8>) -> Tag? {
        let candidate = command.prefix(Tag.maximumBytes + 1).prefix(while: ByteClass.isTag)
        guard candidate.endIndex < command.endIndex, command[candidate.endIndex] == UInt8(ascii: " ") else {
            return nil
        }
        return Tag(candidate)
    }
}
