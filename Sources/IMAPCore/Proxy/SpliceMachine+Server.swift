// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// From the server to the client, and from one server to the next.
extension SpliceMachine {
    /// Takes bytes from the server, in any pieces.
    ///
    /// - Parameter bytes: the next bytes.
    public mutating func receiveFromServer(_ bytes: Span<UInt8>) {
        guard link == .up else { return }
        server.receive(bytes)
        while let piece = server.next() {
            switch piece {
            case .part(let bytes):
                noteResponse()
                toClient(bytes)
            case .response(let bytes, let kind): take(bytes, kind)
            }
        }
        endWhenDue()
        pumpClient()
    }

    /// Takes responses that change the ticket, whole ones, and the change.
    ///
    /// - Parameters:
    ///   - update: the change.
    ///   - bytes: the responses.
    public mutating func receiveFromServer(changing update: TicketUpdate, _ bytes: Span<UInt8>) {
        guard link == .up else { return }
        if server.bufferedByteCount > 0 || server.isInsideResponse { confuse("a change within a response") }
        if update.isComplete { ticket = [] }
        if var bytes = ticket {
            ticket = nil
            update.apply(to: &bytes)
            if bytes.count <= limits.ticketBytes { ticket = bytes }
        }
        receiveFromServer(bytes)
    }

    /// The server is gone.
    ///
    /// - Parameter isReleased: whether it has said that it has begun nothing that it has not answered.
    public mutating func linkLost(isReleased: Bool) {
        guard link == .up else { return }
        if hasSaidGoodbye {
            close("the server ended the session")
            return
        }
        guard canBeCarriedOver, let ticket else {
            close(
                server.isInsideResponse ? "a response was cut" : confusion ?? "the ticket is too large",
                goodbye: "The server was lost; please connect again")
            return
        }
        link = .down
        server = ServerStream()
        dropOpenCommand()
        settleCommands(isReleased: isReleased)
        outbox.append(.reconnect(ticket: ticket))
    }

    /// Another server has taken the ticket: it gets what was not answered, and what came meanwhile.
    public mutating func linkRestored() {
        guard link == .down else { return }
        link = .up
        for index in commands.indices {
            // The last one may be there to be dropped to its end.
            guard !commands[index].isLost, commands[index].isComplete || commands[index].isWaitingInIdle
            else { continue }
            commands[index].restart()
            toServer(commands[index].bytes ?? [])
        }
        pumpClient()
    }

    /// No server takes the ticket, or all has taken too long.
    ///
    /// - Parameter reason: for a log.
    public mutating func giveUp(_ reason: String) {
        close(reason, goodbye: "The service is not available at the moment; please connect again")
    }

    /// The proxy ends: the client is told as soon as no command but IDLE is in progress.
    ///
    /// - Parameter reason: the reason, for a person.
    public mutating func shutdown(reason: String) {
        ending = ending ?? reason
        endWhenDue()
    }

    /// Ends the session when that was asked for and no command is in the way.
    mutating func endWhenDue() {
        guard let ending, link == .up, commands.allSatisfy(\.isWaitingInIdle) else { return }
        close("the proxy ends", goodbye: ending)
    }

    /// The server has ended the session, after it said so to the client.
    public mutating func serverEnded() {
        close("the server ended the session")
    }

    // MARK: Responses

    private mutating func take(_ bytes: [UInt8], _ kind: ServerStream.Kind) {
        switch kind {
        case .tagged(let tag, let status):
            toClient(bytes)
            finish(tag, status)
            answerLostCommands()
        case .continuation:
            takeContinuation(bytes)
        case .bye:
            hasSaidGoodbye = true
            toClient(bytes)
        case .untagged:
            noteResponse()
            toClient(bytes)
        }
    }

    private mutating func noteResponse() {
        if !commands.isEmpty { commands[0].hasResponses = true }
    }

    private mutating func takeContinuation(_ bytes: [UInt8]) {
        if let first = commands.first, first.continuationsToDrop > 0 {
            commands[0].continuationsToDrop -= 1
            return
        }
        toClient(bytes)
        guard let decision, commands.count == 1 else {
            confuse("a continuation request that nobody waits for")
            return
        }
        self.decision = nil
        commands[0].continuations += 1
        switch decision {
        case .idle:
            phase = .idle
            client.expectLine()
        case .literal(let byteCount):
            phase = .rest(isOpen: true)
            client.expectLiteral(byteCount)
        }
    }

    /// Answers come in the order of the commands.
    private mutating func finish(_ tag: Tag, _ status: ResponseStatus) {
        guard let index = commands.firstIndex(where: { $0.tag == tag }) else {
            confuse("an answer to no command")
            return
        }
        if index > 0 { confuse("an answer out of order") }
        let command = commands.remove(at: index)
        outbox.append(.commandFinished(name: command.name, status: status))
        guard !command.isComplete, index == commands.count else { return }
        // It was answered before it was sent to its end.
        if decision != nil {
            decision = nil
            client.expectLine()
            phase = .command
        } else if phase == .rest(isOpen: true) {
            phase = .rest(isOpen: false)
        } else {
            phase = .command
        }
    }

    // MARK: Fail-over

    /// What has come of a command with a literal cannot be sent again: the rest is dropped, and then its client is told.
    private mutating func dropOpenCommand() {
        switch (phase, decision) {
        case (_, .literal):
            // The client waits for leave to send the literal; without it nothing more comes of the command.
            decision = nil
            client.expectLine()
            phase = .command
            loseLast()
        case (_, .idle):
            // Whether it has begun does not matter: it is sent again, and the decision is still due.
            break
        case (.rest(let isOpen), nil): phase = .dropping(isOpen: isOpen)
        case (.command, nil), (.idle, nil), (.dropping, nil): break
        }
    }

    private mutating func settleCommands(isReleased: Bool) {
        for index in commands.indices {
            let isBeingDropped = phase == .dropping(isOpen: true) && index == commands.count - 1
            if !isBeingDropped, !commands[index].mayBeSentAgain(isReleased: isReleased) {
                commands[index].isLost = true
            }
        }
        answerLostCommands()
    }

    /// The last command will not be carried out any more, or nobody knows whether it was.
    mutating func loseLast() {
        guard let last = commands.indices.last else { return }
        commands[last].isLost = true
        commands[last].isComplete = true
        answerLostCommands()
    }

    /// Clients get their answers in the order of their commands.
    private mutating func answerLostCommands() {
        while let first = commands.first, first.isLost {
            commands.removeFirst()
            answer(first, Self.lost)
        }
    }
}
