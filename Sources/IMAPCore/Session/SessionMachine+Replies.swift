// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What goes on when a reply comes.
extension SessionMachine {
    /// Goes on with a command.
    mutating func resume(_ command: CommandInProgress, _ continuation: Continuation, _ reply: SessionReply) {
        switch continuation {
        case .authenticate: finishAuthentication(command, reply)
        case .confirm: confirm(command, reply)
        case .delete(let name): finishDelete(command, name, reply)
        case .list(let list): finishList(command, list, reply)
        case .listStatus(let lines, let items): continueList(command, lines, items, reply)
        case .lsub(let reference, let pattern): finishLsub(command, reference, pattern, reply)
        case .status(let name, let items): finishStatus(command, name, items, reply)
        case .select(let readOnly): finishSelect(command, readOnly: readOnly, reply)
        case .appendBegin: startUpload(command, reply)
        case .appendPiece: continueUpload(command, reply)
        case .appendEnd: finishAppend(command, reply)
        case .fetch(let isUID): finishFetch(command, isUID: isUID, reply)
        case .store(let isUID, let isSilent): finishStore(command, isUID: isUID, isSilent: isSilent, reply)
        case .copy: finishCopy(command, reply)
        case .move: finishMove(command, reply)
        case .expunge: finishExpunge(command, reply)
        case .close: finishClose(command, reply)
        case .search(let search): finishSearch(command, search, reply)
        }
    }

    /// Answers a reply that is no success: the shell's refusal, or a reply that does not fit the request.
    mutating func fail(
        _ command: CommandInProgress, _ reply: SessionReply, announcing announcement: Announcement = .everything
    ) {
        guard case .refused(let refusal) = reply else {
            failForUnexpectedReply(command)
            return
        }
        refuse(command, refusal, announcing: announcement)
    }

    /// A reply that does not fit its request is a bug of the shell: this command fails, nothing else does.
    mutating func failForUnexpectedReply(_ command: CommandInProgress) {
        refuse(
            command, Refusal(code: .serverBug, text: "The server could not carry out \(command.name)"),
            announcing: .withoutExpunge)
    }

    /// Nothing is left but the tagged response.
    private mutating func confirm(_ command: CommandInProgress, _ reply: SessionReply) {
        if case .done = reply { succeed(command) } else { fail(command, reply) }
    }

    /// NOOP and CHECK (RFC 3501 sections 6.1.2 and 6.4.1).
    mutating func poll(_ command: CommandInProgress) {
        if selection == nil { succeed(command) } else { request(.poll, command, .confirm) }
    }
}
