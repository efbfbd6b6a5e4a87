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
        var lines: [UInt8] = []
        var turn = Turn()
        var visit = services.headers.visit()
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
            // Targets and messages ascend together.
            var next = 0
            for target in run {
                while next < messages.count, messages[next].uid < target.uid.rawValue { next += 1 }
                guard next < messages.count, messages[next].uid == target.uid.rawValue else {
                    // One that has not changed and one that is gone look the same; of the latter the next command tells.
                    if request.changedSince == nil { missing.append(target.uid) }
                    continue
                }
                let message = messages[next]
                let announcesFlags = unseen.contains(message.uid)
                if composer.isOfAttributes {
                    let attributes = Self.attributes(of: message, uid: target.uid)
                    composer.append(target, attributes, announcesFlags: announcesFlags, to: &lines)
                    if lines.count >= services.limits.outputBytes { try await send(&lines) }
                    continue
                }
                let isWritten = try await write(target, message, composer, announcesFlags, &visit, in: mailbox)
                if !isWritten { missing.append(target.uid) }
                await turn.passIfOver()
            }
            try await send(&lines)
            await turn.passIfOver()
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
        } catch let error as MailStoreError
            where [.diskFull, .unavailable, .catchingUp].contains(error.code)
        {
            logger.log(
                level: error.code.isOperational ? .error : .debug, "mail is read but cannot be marked",
                metadata: ["reason": "\(error.message)"])
            return (messages, [])
        }
        return (try await mailbox.messages(messages.map(\.uid)), Set(unseen))
    }

    /// Sends whole responses, and keeps the room that they took.
    private mutating func send(_ lines: inout [UInt8]) async throws {
        output.writeBytes(lines)
        lines.removeAll(keepingCapacity: true)
        if output.readableBytes >= services.limits.outputBytes { try await flush() }
    }

    /// Writes one response.
    ///
    /// - Returns: false, and nothing is written, if the message's body is gone.
    private mutating func write(
        _ target: MessageTarget, _ message: StoredMessage, _ composer: FetchComposer, _ announcesFlags: Bool,
        _ visit: inout HeaderCache.Visit, in mailbox: OpenMailbox
    ) async throws -> Bool {
        let attributes = Self.attributes(of: message, uid: target.uid)
        var body = BodySource(message, in: mailbox)
        defer { body.close() }
        do {
            if composer.needs == .header,
                let known = try await header(of: message, withEnvelope: composer.hasEnvelope, in: &body, &visit)
            {
                let pieces = composer.pieces(
                    for: target, attributes: attributes,
                    header: FetchHeader(byteCount: known.header.count, envelope: known.envelope),
                    announcesFlags: announcesFlags)
                try await send(pieces, of: &body, header: known.header)
                return true
            }
            let structure = try await structure(of: message, composer.needs, in: &body)
            let pieces = composer.pieces(
                for: target, attributes: attributes, structure: structure, announcesFlags: announcesFlags)
            try await send(pieces, of: &body, header: [])
            return true
        } catch let error as MailStoreError where error.code == .bodyGone {
            return false
        }
    }

    /// Sends the pieces of a response; those that lie in `header`, the message's header if it is at hand, need no body.
    ///
    /// - Throws: ``MailStoreError`` with `bodyGone` if the body is gone, which is noticed before a byte of the response is out.
    private mutating func send(_ pieces: [FetchPiece], of body: inout BodySource, header: [UInt8]) async throws {
        guard pieces.contains(where: { $0.bodyEnd > header.count }) else {
            for piece in pieces {
                switch piece {
                case .bytes(let bytes): output.writeBytes(bytes)
                case .filteredHeader(let chosen): output.writeBytes(chosen.literal(of: Array(header[chosen.range])))
                case .rawRange(let range): output.writeBytes(header[range])
                }
            }
            if output.readableBytes >= services.limits.outputBytes { try await flush() }
            return
        }
        try await body.waitUntilThere()
        try body.check()
        do {
            for piece in pieces {
                switch piece {
                case .bytes(let bytes): output.writeBytes(bytes)
                case .filteredHeader(let header): output.writeBytes(header.literal(of: try body.read(header.range)))
                case .rawRange(let range): try await stream(range, of: &body)
                }
                if output.readableBytes >= services.limits.outputBytes { try await flush() }
            }
        } catch let error as MailStoreError {
            // The client expects the rest of a response, perhaps of a literal: anything else would be taken for mail.
            throw BrokenResponse(cause: error)
        }
    }

    private mutating func stream(_ range: Range<Int>, of body: inout BodySource) async throws {
        var position = range.lowerBound
        while position < range.upperBound {
            let end = min(position + services.limits.bodyReadBytes, range.upperBound)
            output.writeBytes(try body.read(position..<end))
            position = end
            if output.readableBytes >= services.limits.outputBytes { try await flush() }
        }
    }

    /// What a response needs to know of a message's structure.
    private func structure(
        of message: StoredMessage, _ needs: FetchComposer.Needs, in body: inout BodySource
    ) async throws -> MessageStructure? {
        if needs == .attributes { return nil }
        if needs == .structure, let known = services.structures.structure(of: message.facts.body) { return known }
        try await body.waitUntilThere()
        return needs == .header ? try headerStructure(in: &body) : try wholeStructure(of: message, in: &body)
    }

    /// The structure of a message's header alone, of one that is too large to be held as a whole.
    private func headerStructure(in body: inout BodySource) throws -> MessageStructure {
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
    private func wholeStructure(of message: StoredMessage, in body: inout BodySource) throws -> MessageStructure {
        var scanner = MessageScanner()
        // A small message is read once, for this and for what is sent of it.
        _ = try body.beginning(to: BodySource.beginningBytes)
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
    /// Up to where the body is needed.
    fileprivate var bodyEnd: Int {
        switch self {
        case .bytes: 0
        case .rawRange(let range): range.upperBound
        case .filteredHeader(let header): header.range.upperBound
        }
    }
}
