// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// From the client to the server.
extension SpliceMachine {
    /// Takes bytes from the client, in any pieces.
    ///
    /// - Parameter bytes: the next bytes.
    public mutating func receiveFromClient(_ bytes: Span<UInt8>) {
        guard link != .closed else { return }
        client.receive(bytes)
        pumpClient()
    }

    /// Passes on what the client has sent, as far as its meaning is clear.
    mutating func pumpClient() {
        while link == .up, commands.count <= limits.commandsInProgress, let piece = client.next() {
            switch piece {
            case .line(let line, let header): takeLine(line, header)
            case .linePart(let part): takePart(part)
            case .literal(let bytes, _): takeLiteral(bytes)
            case .untracked(let bytes): toServer(bytes)
            }
        }
    }

    private mutating func takeLine(_ line: [UInt8], _ header: LiteralHeader?) {
        switch phase {
        case .command:
            let isOpen = begin(line)
            toServer(line)
            endLine(header, isOpen: isOpen)
        case .rest(let isOpen):
            if isOpen { keep(line) }
            toServer(line)
            endLine(header, isOpen: isOpen)
        case .idle:
            keep(line)
            if let last = commands.indices.last { commands[last].isComplete = true }
            toServer(line)
            // Another line than DONE is refused, and with it the literal that it announces.
            phase = .command
            skip(header)
        case .dropping(let isOpen):
            droppedLineBytes = 0
            if case .literal(let byteCount, .nonSynchronizing)? = header {
                client.expectLiteral(byteCount)
            } else {
                phase = .command
                if isOpen { loseLast() }
            }
        }
    }

    /// The first part of a line that is too long: what it begins can be told, but it is not kept.
    private mutating func takePart(_ part: [UInt8]) {
        switch phase {
        case .command:
            phase = .rest(isOpen: begin(part))
            toServer(part)
        case .rest, .idle:
            keep(part)
            toServer(part)
        case .dropping:
            droppedLineBytes += part.count
            guard droppedLineBytes > limits.droppedLineBytes else { return }
            close("a line without end", goodbye: "The line is too long; please connect again")
        }
    }

    private mutating func takeLiteral(_ bytes: [UInt8]) {
        switch phase {
        case .rest(let isOpen):
            if isOpen { keep(bytes) }
            toServer(bytes)
        case .command, .idle: toServer(bytes)
        case .dropping: break
        }
    }

    /// Notes a command.
    ///
    /// - Returns: whether an answer with its tag is expected.
    private mutating func begin(_ line: [UInt8]) -> Bool {
        guard var command = ProxiedCommand(line: line) else { return false }
        command.keep(line)
        commands.append(command)
        return true
    }

    private mutating func keep(_ bytes: [UInt8]) {
        if let last = commands.indices.last { commands[last].keep(bytes) }
    }

    /// A line of a command has ended: so has the command, or a literal comes, or the server decides.
    private mutating func endLine(_ header: LiteralHeader?, isOpen: Bool) {
        phase = .command
        guard isOpen, let last = commands.indices.last else {
            skip(header)
            return
        }
        switch header {
        case nil:
            if commands[last].name == "IDLE" {
                wait(for: .idle)
            } else {
                commands[last].isComplete = true
            }
        case .literal(let byteCount, .nonSynchronizing):
            commands[last].hasLiteral = true
            phase = .rest(isOpen: true)
            client.expectLiteral(byteCount)
        case .literal(let byteCount, .synchronizing):
            commands[last].hasLiteral = true
            wait(for: .literal(byteCount))
        case .overflow(.synchronizing):
            // The server refuses it, and the client does not send it.
            commands[last].hasLiteral = true
            wait(for: .literal(0))
        case .overflow(.nonSynchronizing): confuse("a literal is too large to be counted")
        }
    }

    /// Nobody waits for an answer any more, or the command has no tag: only a literal that comes unasked for is skipped.
    private mutating func skip(_ header: LiteralHeader?) {
        switch header {
        case .literal(let byteCount, .nonSynchronizing):
            phase = .rest(isOpen: false)
            client.expectLiteral(byteCount)
        case .overflow(.nonSynchronizing): confuse("a literal is too large to be counted")
        case nil, .literal(_, .synchronizing), .overflow(.synchronizing): phase = .command
        }
    }

    private mutating func wait(for decision: Decision) {
        self.decision = decision
        client.wait()
    }

    mutating func confuse(_ reason: String) {
        confusion = confusion ?? reason
        client.stopTracking()
        decision = nil
    }

    /// What is said of a command that may have been carried out.
    static var lost: StatusCondition {
        StatusCondition(
            .no, code: .unavailable, text: "The server was lost; the command may or may not have been carried out")
    }
}
