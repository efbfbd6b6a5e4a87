// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import IMAPCore
internal import Logging
internal import MailStore
internal import NIOCore

extension IMAPConnection {
    /// FETCH (RFC 3501 section 6.4.5, RFC 7162 section 3.1.4): writes the responses, streaming bodies so that memory stays bounded.
    mutating func fetch(_ request: FetchRequest, in mailbox: OpenMailbox) async throws -> FetchOutcome {
        let composer = FetchComposer(request)
        var known: UInt64 = 0
        if let presented = request.changedSince { known = try await mailbox.localModSeq(presented.rawValue) }
        var missing: [UID] = []
        var position = 0
        while position < request.targets.count {
            // Of those that have to have changed only a few are left after reading.
            let count = services.limits.messagesPerRead * (request.changedSince == nil ? 1 : 16)
            let run = request.targets[position..<min(position + count, request.targets.count)]
            position = run.endIndex
            var unseen: Set<UInt32> = []
            var messages = try await mailbox.messages(run.map(\.uid.rawValue), changedSince: known)
            if request.markSeen {
                (messages, unseen) = try await markSeen(messages, in: mailbox)
            }
            let byUID = Dictionary(messages.map { ($0.uid, $0) }) { first, _ in first }
            for target in run {
                guard let message = byUID[target.uid.rawValue] else {
                    // One that has not changed and one that is gone look the same; of the latter the next command tells.
                    if request.changedSince == nil { missing.append(target.uid) }
                    continue
                }
                let isWritten = try await write(
                    target, message, composer, announcesFlags: unseen.contains(message.uid), in: mailbox)
                if !isWritten { missing.append(target.uid) }
            }
        }
        return FetchOutcome(missingUIDs: missing)
    }

    /// Sets `\Seen`, unless the store cannot write: then mail can still be read, and stays unseen.
    ///
    /// - Returns: the messages as they are then, and which of them were changed.
    private func markSeen(
        _ messages: [StoredMessage], in mailbox: OpenMailbox
    ) async throws -> ([StoredMessage], Set<UInt32>) {
        let unseen = messages.filter { !$0.flags.system.contains(.seen) }.map(\.uid)
        guard !unseen.isEmpty else { return (messages, []) }
        do {
            _ = try await mailbox.store(unseen, .add(MessageFlagNames(system: .seen)))
        } catch let error as MailStoreError where error.code == .diskFull || error.code == .unavailable {
            logger.error("mail is read but cannot be marked", metadata: ["reason": "\(error.message)"])
            return (messages, [])
        }
        return (try await mailbox.messages(messages.map(\.uid)), Set(unseen))
    }

    /// Writes one response.
    ///
    /// - Returns: false, and nothing is written, if the message's body is gone.
    private mutating func write(
        _ target: MessageTarget, _ message: StoredMessage, _ composer: FetchComposer, announcesFlags: Bool,
        in mailbox: OpenMailbox
    ) async throws -> Bool {
        let body = mailbox.openBody(of: message)
        defer { body.close() }
        let structure: MessageStructure?
        let pieces: [FetchPiece]
        do {
            if composer.needs != .attributes { try await body.waitUntilThere() }
            switch composer.needs {
            case .attributes: structure = nil
            case .header: structure = try headerStructure(of: message, in: body)
            case .structure: structure = try wholeStructure(of: message, in: body)
            }
            pieces = composer.pieces(
                for: target, attributes: Self.attributes(of: message, uid: target.uid), structure: structure,
                announcesFlags: announcesFlags)
            // A body that is gone is noticed before a byte of the response is out.
            if pieces.contains(where: \.needsBody) {
                try await body.waitUntilThere()
                _ = try body.read(0..<min(1, body.size))
            }
        } catch let error as MailStoreError where error.code == .bodyGone {
            return false
        }
        do {
            try await send(pieces, of: body)
        } catch let error as MailStoreError {
            // The client expects the rest of a response, perhaps of a literal: anything else would be taken for mail.
            throw BrokenResponse(cause: error)
        }
        return true
    }

    private mutating func send(_ pieces: [FetchPiece], of body: BodyReader) async throws {
        for piece in pieces {
            switch piece {
            case .bytes(let bytes): output.writeBytes(bytes)
            case .filteredHeader(let header): output.writeBytes(header.literal(of: try body.read(header.range)))
            case .rawRange(let range): try await stream(range, of: body)
            }
            if output.readableBytes >= services.limits.outputBytes { try await flush() }
        }
    }

    private mutating func stream(_ range: Range<Int>, of body: BodyReader) async throws {
        var position = range.lowerBound
        while position < range.upperBound {
            let end = min(position + services.limits.bodyReadBytes, range.upperBound)
            output.writeBytes(try body.read(position..<end))
            position = end
            if output.readableBytes >= services.limits.outputBytes { try await flush() }
        }
    }

    /// The structure of a message's header alone.
    private func headerStructure(of message: StoredMessage, in body: BodyReader) throws -> MessageStructure {
        var boundary = HeaderBoundary()
        var scanner = MessageScanner()
        var position = 0
        // Most headers fit the first read; a long one is read on in larger steps.
        var step = 16 << 10
        while boundary.byteCount == nil, position < body.size {
            let bytes = try body.read(position..<min(position + step, body.size))
            boundary.consume(bytes.span)
            let header = Array(bytes.prefix((boundary.byteCount ?? .max) - position))
            scanner.consume(header.span)
            position += bytes.count
            step = services.limits.bodyReadBytes
        }
        return scanner.finish()
    }

    /// The structure of a whole message, remembered for the client's next question.
    private func wholeStructure(of message: StoredMessage, in body: BodyReader) throws -> MessageStructure {
        if let known = services.structures.structure(of: message.facts.body) { return known }
        var scanner = MessageScanner()
        var position = 0
        while position < body.size {
            let bytes = try body.read(position..<min(position + services.limits.bodyReadBytes, body.size))
            scanner.consume(bytes.span)
            position += bytes.count
        }
        let structure = scanner.finish()
        services.structures.insert(structure, for: message.facts.body)
        return structure
    }

    static func attributes(of message: StoredMessage, uid: UID) -> MessageAttributes {
        MessageAttributes(
            uid: uid, flags: FlagMapping.wire(message.flags),
            internalDate: DateTime(
                secondsSinceEpoch: message.facts.internalDateSeconds,
                zoneMinutes: Int(message.facts.internalDateZoneMinutes)), byteCount: Int(clamping: message.facts.size),
            modSequence: ModSequence(clamping: message.modSeq))
    }
}

/// A response could not be written to its end; only closing the connection tells the client.
struct BrokenResponse: Error {
    let cause: MailStoreError
}

extension FetchPiece {
    fileprivate var needsBody: Bool {
        switch self {
        case .bytes: false
        case .rawRange, .filteredHeader: true
        }
    }
}
