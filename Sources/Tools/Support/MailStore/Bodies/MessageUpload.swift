// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
internal import Crypto
internal import Storage
internal import Synchronization

/// A message on its way into a mailbox.
///
/// A small one is kept in memory, and its bytes share the commit of its operation. A large one goes to the log in chunks as it arrives, so that memory stays bounded whatever its size. Used by one
/// task at a time.
package final class MessageUpload: Sendable {
    fileprivate struct State: ~Copyable {
        var hash = SHA256()
        var buffer: [UInt8] = []
        var received: UInt64 = 0
        /// Octets that went to the log.
        var written: UInt64 = 0
        var isStreaming = false
        var isDone = false
    }

    private let account: MailAccount
    private let mailboxName: String
    private let size: UInt64
    private let flags: MessageFlagNames
    private let date: MessageDate
    private let number: UInt64
    private let state = Mutex(State())

    init(
        account: MailAccount, mailboxName: String, size: UInt64, flags: MessageFlagNames, date: MessageDate,
        number: UInt64
    ) {
        self.account = account
        self.mailboxName = mailboxName
        self.size = size
        self.flags = flags
        self.date = date
        self.number = number
    }

    private var store: MailStore { account.store }

    /// Takes more of the message's bytes; waits while the log has more than it can write.
    ///
    /// What goes wrong is reported by ``finish()``.
    package func write(_ bytes: [UInt8]) async {
        let chunks = state.withLock { state -> [(offset: UInt64, bytes: [UInt8])] in
            guard !state.isDone else { return [] }
            state.hash.update(data: bytes)
            state.received += UInt64(bytes.count)
            state.buffer.append(contentsOf: bytes)
            if !state.isStreaming, state.buffer.count > store.options.inlineBodyBytes { state.isStreaming = true }
            return state.isStreaming ? state.takeChunks(of: store.options.bodyChunkBytes, all: false) : []
        }
        guard !chunks.isEmpty else { return }
        let log = store.core.withLock { core in
            if core.isWritable(now: store.now()) {
                for chunk in chunks { core.enqueueChunk(upload: number, offset: chunk.offset, chunk.bytes) }
            } else {
                core.uploads[number] = nil
            }
            return core.log
        }
        if log.isCongested { await log.waitForSpace() }
    }

    /// Completes the message: when this returns it is durable.
    ///
    /// - Returns: the digest of its bytes, UIDVALIDITY and the message's UID; nil for the latter if another replica assigns the mailbox's UIDs and could not be heard
    ///   within ``MailStoreOptions/assignmentWaitMilliseconds``: the message appears when it can be.
    /// - Throws: ``MailStoreError``; then the mailbox is as it was.
    package func finish() async throws -> (body: BodyDigest, uidValidity: UInt32, uid: UInt32?) {
        let (digest, received, isStreaming, rest) = state.withLock { state in
            state.isDone = true
            let digest = Array(state.hash.finalize())
            let rest = state.takeChunks(of: store.options.bodyChunkBytes, all: true)
            return (digest, state.received, state.isStreaming, rest)
        }
        guard let body = BodyDigest(digest), received == size else {
            await abort()
            throw MailStoreError(.unavailable, "the message has \(received) octets, \(size) were announced")
        }
        let isTooLate = store.core.withLock { $0.bodies.pin(body) }
        defer {
            store.core.withLock { core in
                core.bodies.unpin(body)
                core.uploads[number] = nil
            }
        }
        // What a checkpoint is about to remove is as good as gone, however the race between the two ends.
        let isInEngine = try isStreaming || isTooLate ? false : store.engineHolds(body)
        let placed = try await append(body, isStreaming: isStreaming, isInEngine: isInEngine, rest: rest)
        if let uid = placed.message.uid { return (body, placed.uidValidity, uid) }
        let uids = await store.awaitUIDs(of: [placed.message.id], in: placed.mailbox, of: account)
        return (body, placed.uidValidity, uids[placed.message.id])
    }

    private func append(
        _ body: BodyDigest, isStreaming: Bool, isInEngine: Bool, rest: [(offset: UInt64, bytes: [UInt8])]
    ) async throws -> (uidValidity: UInt32, mailbox: MailboxID, message: PlacedMessage) {
        let facts = MessageFacts(
            body: body, size: size, internalDateSeconds: date.seconds, internalDateZoneMinutes: date.zoneMinutes)
        return try await store.issue(
            on: account,
            needing: { state throws(MailStoreError) in [try MailAccount.find(mailboxName, in: state)] },
            preparing: { core in try core.flagSet(flags) }
        ) { core, box, unit, flags in
            let mailbox = try MailAccount.find(mailboxName, in: box.state)
            if isStreaming, core.uploads[number] == nil {
                throw core.refusal?.error
                    ?? MailStoreError(.unavailable, "the log failed while the message arrived; nothing was changed")
            }
            let message = try box.state.append(facts, flags: flags, to: mailbox, batch: &unit.batch)
            if message.uid == nil { core.expectUIDs(in: mailbox, of: box) }
            if !(core.bodies.isHeld(body) ?? isInEngine) {
                core.appendBody(upload: number, rest, digest: body, size: size, to: &unit.content)
            }
            return (max(1, box.state.summary(of: mailbox)?.uidValidity ?? 1), mailbox, message)
        }
    }

    /// Gives the message up; what went to the log counts for nothing.
    package func abort() async {
        state.withLock { state in
            state.isDone = true
            state.buffer = []
        }
        store.core.withLock { $0.uploads[number] = nil }
    }
}

extension MessageUpload.State {
    fileprivate mutating func takeChunks(of length: Int, all: Bool) -> [(offset: UInt64, bytes: [UInt8])] {
        var chunks: [(offset: UInt64, bytes: [UInt8])] = []
        var start = 0
        while buffer.count - start >= length || (all && start < buffer.count) {
            let end = min(start + length, buffer.count)
            chunks.append((written, Array(buffer[start..<end])))
            written += UInt64(end - start)
            start = end
        }
        buffer.removeFirst(start)
        return chunks
    }
}

extension StoreCore {
    /// Queues a chunk of a large body.
    mutating func enqueueChunk(upload: UInt64, offset: UInt64, _ bytes: [UInt8]) {
        if uploads[upload] == nil {
            // A first chunk begins an upload; a later one whose upload is gone belongs to a log that failed.
            guard offset == 0 else { return }
            uploads[upload] = UploadProgress(began: log.end)
        }
        var frames: [UInt8] = []
        frames.reserveCapacity(bytes.count + 64)
        let delta = BodyFrames.appendChunk(upload: upload, offset: offset, bytes[...], to: &frames)
        _ = enqueue(
            UnitContent(
                frames: frames, effects: [.chunk(upload: upload, delta: delta, offset: offset, length: bytes.count)]))
    }

    /// Adds the last chunks of a body, and its end, to the unit of its operation.
    mutating func appendBody(
        upload: UInt64, _ chunks: [(offset: UInt64, bytes: [UInt8])], digest: BodyDigest, size: UInt64,
        to unit: inout UnitContent
    ) {
        if uploads[upload] == nil { uploads[upload] = UploadProgress(began: log.end) }
        bodies.queue(digest)
        for chunk in chunks {
            let delta = BodyFrames.appendChunk(
                upload: upload, offset: chunk.offset, chunk.bytes[...], to: &unit.frames)
            unit.effects.append(
                .chunk(upload: upload, delta: delta, offset: chunk.offset, length: chunk.bytes.count))
        }
        BodyFrames.appendEnd(upload: upload, size: size, digest: digest, to: &unit.frames)
        unit.effects.append(.body(digest, upload: upload, size: size))
    }
}

extension MailStore {
    /// Whether the engine has a body's bytes, whoever holds it.
    func engineHolds(_ digest: BodyDigest) throws -> Bool {
        do {
            return try engine.read { try $0.withValue(for: EngineKey.bodyPiece(digest, 0)) { _ in true } ?? false }
        } catch {
            throw MailStoreError(error)
        }
    }
}

extension MailAccount {
    /// Makes ready for a message (RFC 3501 section 6.3.11).
    ///
    /// - Parameters:
    ///   - name: the mailbox.
    ///   - size: the message's octets.
    ///   - flags: its first flags.
    ///   - date: its internal date; nil for now.
    /// - Returns: the upload, which takes the message's bytes.
    /// - Throws: ``MailStoreError``, before a byte is taken: `noSuchMailbox`, `limitExceeded`, `diskFull`.
    package func beginUpload(
        to name: String, size: UInt64, flags: MessageFlagNames, date: MessageDate?
    ) async throws -> MessageUpload {
        guard size <= store.options.messageBytes else {
            throw MailStoreError(
                .limitExceeded, "a message has at most \(store.options.messageBytes) octets, not \(size)")
        }
        try await store.read(self) { _, box in _ = try Self.find(name, in: box.state) }
        try store.checkSpace(for: size)
        var generator = SystemRandomNumberGenerator()
        return MessageUpload(
            account: self, mailboxName: name, size: size, flags: flags,
            date: date ?? MessageDate(seconds: Int64(clamping: store.now() / 1_000), zoneMinutes: 0),
            number: generator.next())
    }
}
