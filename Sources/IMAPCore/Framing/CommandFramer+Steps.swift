// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The automaton behind `nextEvent()`.
extension CommandFramer {
    /// Does one step and puts its events into the queue.
    ///
    /// - Returns: false when nothing can be done without more input or a decision.
    mutating func step() -> Bool {
        switch state {
        case .line: stepInLine()
        case .literal(let remaining): stepInLiteral(remaining)
        case .decision: false
        case .message(let remaining): stepInMessage(remaining)
        case .messageTail: stepInMessageTail()
        case .discardingLine: stepDiscardingLine()
        case .discardingLiteral(let remaining): stepDiscardingLiteral(remaining)
        case .ended: false
        }
    }

    private mutating func stepInLine() -> Bool {
        switch takeLine() {
        case .incomplete: return false
        case .tooLong:
            fail(lineTooLong())
            return true
        case .line(let range):
            switch mode {
            case .command: commandLine(range)
            case .idle: idleLine(range)
            case .authentication: authenticationLine(range)
            }
            return true
        }
    }

    private mutating func commandLine(_ range: Range<Int>) {
        let header = LiteralHeader.atEnd(of: buffer[range])
        guard command.count + range.count <= limits.commandBytes else {
            let tag = Tag.prefix(of: command.isEmpty ? buffer[range] : command[...])
            consume(range)
            fail(commandTooLong(tag: tag), before: header)
            return
        }
        command.append(contentsOf: buffer[range])
        consume(range)
        guard let header else {
            finishCommand()
            return
        }
        do throws(IMAPError) {
            try announce(header)
        } catch {
            fail(error.tagged(Tag.prefix(of: command[...])), before: header)
        }
    }

    private mutating func finishCommand() {
        guard !command.isEmpty else {
            fail(IMAPError(code: .syntax, message: "The line is empty."), before: nil)
            return
        }
        queue.append(.command(CommandText(command)))
        startCommand()
    }

    /// Decides what to do about a literal before a byte of it is read.
    private mutating func announce(_ header: LiteralHeader) throws(IMAPError) {
        guard let tag = Tag.prefix(of: command[...]) else {
            throw IMAPError(code: .syntax, message: "The command has no tag.")
        }
        guard case .literal(let byteCount, let kind) = header else {
            throw IMAPError(
                code: .literalTooBig, message: "A literal cannot have more than 4294967295 bytes.",
                responseCode: .tooBig)
        }
        if kind == .nonSynchronizing, let most = limits.nonSynchronizingLiteralBytes, byteCount > most {
            throw IMAPError(
                code: .nonSynchronizingLiteralTooBig,
                message: "A non-synchronizing literal of \(byteCount) bytes is larger than the \(most) allowed.",
                responseCode: .tooBig)
        }
        switch try CommandParser.purpose(ofLiteralAfter: command, limits: limits) {
        case .message(let append):
            guard byteCount <= limits.appendLiteralBytes else {
                throw IMAPError(
                    code: .messageTooBig,
                    message: "A message of \(byteCount) bytes is larger than the \(limits.appendLiteralBytes) allowed.",
                    responseCode: .tooBig)
            }
            command = []
            state = .decision(append)
            queue.append(.appendPending(tag, append))
        case .argument:
            try announceArgument(byteCount, kind)
        }
    }

    private mutating func announceArgument(_ byteCount: Int, _ kind: LiteralKind) throws(IMAPError) {
        guard byteCount <= limits.argumentLiteralBytes else {
            throw IMAPError(
                code: .literalTooBig,
                message: "A literal of \(byteCount) bytes is larger than the \(limits.argumentLiteralBytes) allowed.",
                responseCode: .tooBig)
        }
        guard literalCount < limits.literalsPerCommand else {
            throw IMAPError(
                code: .tooManyElements,
                message: "A command cannot have more than \(limits.literalsPerCommand) literals.")
        }
        guard command.count + byteCount + 2 <= limits.commandBytes else { throw commandTooLong(tag: nil) }
        literalCount += 1
        command.append(contentsOf: [0x0D, 0x0A])
        if kind == .synchronizing { queue.append(.continuationRequest) }
        state = byteCount > 0 ? .literal(remaining: byteCount) : .line
    }

    private mutating func stepInLiteral(_ remaining: Int) -> Bool {
        let count = min(remaining, bufferedByteCount)
        guard count > 0 else { return false }
        command.append(contentsOf: buffer[head..<(head + count)])
        advance(by: count)
        state = count == remaining ? .line : .literal(remaining: remaining - count)
        return true
    }

    private mutating func stepInMessage(_ remaining: Int) -> Bool {
        let count = min(remaining, bufferedByteCount)
        guard count > 0 else { return false }
        if messageError == nil {
            let bytes = buffer[head..<(head + count)]
            let end = bytes.firstIndex(of: 0) ?? bytes.endIndex
            if end > head { queue.append(.appendBytes(Array(bytes[..<end]))) }
            if end < bytes.endIndex {
                messageError = IMAPError(
                    code: .nulByte, message: "A message must not hold NUL bytes (RFC 3501 section 4.3.1).")
            }
        }
        advance(by: count)
        state = count == remaining ? .messageTail : .message(remaining: remaining - count)
        return true
    }

    private mutating func stepInMessageTail() -> Bool {
        switch takeLine() {
        case .incomplete: return false
        case .tooLong:
            queue.append(.appendFailed(messageError ?? lineTooLong()))
            startDiscarding()
        case .line(let range):
            let isEmpty = buffer[range].allSatisfy { $0 == UInt8(ascii: " ") }
            let header = LiteralHeader.atEnd(of: buffer[range])
            consume(range)
            if isEmpty {
                queue.append(messageError.map { .appendFailed($0) } ?? .appendFinished)
                startCommand()
            } else {
                let error = IMAPError(
                    code: .unsupported, message: "APPEND takes one message; nothing may follow it.")
                queue.append(.appendFailed(messageError ?? error))
                discard(after: header)
            }
        }
        return true
    }

    private mutating func idleLine(_ range: Range<Int>) {
        let word = String(decoding: buffer[range].map(ByteClass.uppercased), as: UTF8.self)
        let header = LiteralHeader.atEnd(of: buffer[range])
        consume(range)
        mode = .command
        if word == "DONE" || word == "DONE " {
            queue.append(.idleDone)
        } else {
            fail(IMAPError(code: .idleInterrupted, message: "IDLE ends with DONE."), before: header)
        }
    }

    private mutating func authenticationLine(_ range: Range<Int>) {
        let line = buffer[range]
        consume(range)
        mode = .command
        guard line.elementsEqual("*".utf8) == false else {
            queue.append(.authenticationCancelled)
            return
        }
        do throws(IMAPError) {
            queue.append(.authenticationResponse(Secret(try Base64.decode(line))))
        } catch {
            fail(error, before: LiteralHeader.atEnd(of: line))
        }
    }
}
