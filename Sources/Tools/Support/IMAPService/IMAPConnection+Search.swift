// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import IMAPCore
internal import MailStore

extension IMAPConnection {
    /// SEARCH (RFC 3501 section 6.4.4): goes through the mailbox in runs, reading only the messages whose text decides.
    func search(_ request: SearchRequest, in mailbox: OpenMailbox) async throws -> SearchOutcome {
        var modSequences: [ModSequence: ModSequence] = [:]
        for presented in request.modSequences where presented.rawValue > 1 {
            let known = try await mailbox.localModSeq(presented.rawValue)
            // From this one on means, if another replica told it: what a client does not know who knows everything up to it.
            modSequences[presented] = ModSequence(clamping: known == presented.rawValue ? known : known &+ 1)
        }
        let plan = SearchPlan(request, modSequences: modSequences)
        var reading = Reading(headers: HeaderSearch(program: plan.program), visit: services.headers.visit())
        var turn = Turn()
        var found: [SearchOutcome.Match] = []
        var last: UInt32 = 0
        while true {
            let run = try await mailbox.messages(after: last, limit: services.limits.messagesPerRead * 4)
            guard let end = run.last else { return SearchOutcome(matches: found) }
            // Nobody waits for the answer any more.
            try Task.checkCancellation()
            await turn.passIfOver()
            last = end.uid
            for message in run {
                guard let uid = UID(message.uid) else { continue }
                let attributes = Self.attributes(of: message, uid: uid)
                let match = SearchOutcome.Match(uid: uid, modSequence: attributes.modSequence)
                switch plan.evaluate(attributes) {
                case .match: found.append(match)
                case .mismatch: break
                case .undecided:
                    if try matches(message, attributes, plan, &reading, in: mailbox) { found.append(match) }
                    await turn.passIfOver()
                }
            }
        }
    }

    /// What a search keeps while it goes from message to message.
    private struct Reading {
        var headers: HeaderSearch
        var visit: HeaderCache.Visit
    }

    private func matches(
        _ message: StoredMessage, _ attributes: MessageAttributes, _ plan: SearchPlan, _ reading: inout Reading,
        in mailbox: OpenMailbox
    ) throws -> Bool {
        var body = BodySource(message, in: mailbox)
        defer { body.close() }
        do {
            if plan.needsOnlyHeader, let known = try header(of: message, in: &body, &reading.visit) {
                return plan.matches(attributes, answers: reading.headers.answers(known.header))
            }
            return plan.matches(attributes, answers: try answers(plan, in: &body))
        } catch let error as MailStoreError where error.code == .bodyGone {
            // Expunged by another session while the search was running: it matches nothing any more.
            return false
        }
    }

    /// What the text of a message answers, read as far as it takes.
    private func answers(_ plan: SearchPlan, in body: inout BodySource) throws -> [Bool] {
        var text = MessageTextSearch(program: plan.program)
        var boundary = HeaderBoundary()
        var position = 0
        while position < body.size, !text.isDecided {
            if plan.needsOnlyHeader, boundary.byteCount != nil { break }
            let step = position == 0 ? 16 << 10 : services.limits.bodyReadBytes
            let bytes = try body.read(position..<min(position + step, body.size))
            if plan.needsOnlyHeader { boundary.consume(bytes.span) }
            text.consume(bytes.span)
            position += bytes.count
        }
        return text.finish()
    }
}
