// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// APPEND (RFC 3501 section 6.3.11): from the announcement over the pieces to the end of an upload.
extension SessionMachine {
    /// The client announces a message: the store decides before a byte of it is asked for.
    mutating func beginAppend(_ tag: Tag, _ append: AppendCommand) {
        let body = CommandBody.append(append)
        let command = CommandInProgress(tag: tag, name: body.name)
        guard body.allowedStates.contains(stage) else {
            framer.refuseLiteral()
            reject(command, "APPEND is not possible now: log in first.")
            return
        }
        request(
            .append(
                AppendTarget(
                    mailbox: append.mailbox, flags: append.flags, date: append.date, byteCount: append.literalBytes)),
            command, .appendBegin)
    }

    mutating func startUpload(_ command: CommandInProgress, _ reply: SessionReply) {
        guard case .appendReady = reply else {
            framer.refuseLiteral()
            fail(command, reply)
            return
        }
        progress = .uploading(command)
        framer.acceptLiteral()
    }

    /// One piece at a time is under way: the store's pace is the client's pace.
    mutating func takeAppendBytes(_ bytes: [UInt8]) {
        switch progress {
        case .uploading(let command):
            outbox.append(.appendData(bytes))
            progress = .waiting(command, .appendPiece)
        case .unopened, .ready, .waiting, .authenticating, .startingTLS, .discardingUpload, .idling, .closed: return
        }
    }

    mutating func continueUpload(_ command: CommandInProgress, _ reply: SessionReply) {
        switch reply {
        case .appendDataAccepted: progress = .uploading(command)
        case .refused(let refusal): progress = .discardingUpload(command, refusal)
        default:
            outbox.append(.request(.appendAbort))
            progress = .discardingUpload(
                command, Refusal(code: .serverBug, text: "The server could not carry out APPEND"))
        }
    }

    /// The message and the command have ended, well or not.
    mutating func finishUpload(_ error: IMAPError?) {
        switch progress {
        case .uploading(let command):
            if let error {
                outbox.append(.request(.appendAbort))
                finish(command, StatusCondition(error))
            } else {
                request(.appendEnd, command, .appendEnd)
            }
        case .discardingUpload(let command, let refusal): refuse(command, refusal)
        case .unopened, .ready, .waiting, .authenticating, .startingTLS, .idling, .closed: return
        }
    }

    mutating func finishAppend(_ command: CommandInProgress, _ reply: SessionReply) {
        guard case .appended(let uidValidity, let uid) = reply else {
            fail(command, reply)
            return
        }
        succeed(command, code: uid.map { .appendUID(uidValidity, $0) })
    }
}
