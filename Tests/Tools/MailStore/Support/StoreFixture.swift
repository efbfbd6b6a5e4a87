// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Crypto
import FoundationEssentials
import Logging
import Storage
import Synchronization

@testable import MailStore

/// A store in a directory of its own, with a clock that the test moves.
final class StoreFixture: Sendable {
    let directory: String
    let clock = ManualClock()
    let files = FaultyFiles()
    let engineFiles = FaultyEngineFiles()

    init() throws {
        directory = FileManager.default.temporaryDirectory.path() + "/mailstore-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// The store's directory; copies of it, as a crash would leave them, have other names.
    var path: String { directory + "/store" }

    func open(
        _ path: String? = nil, _ change: (inout MailStoreOptions) -> Void = { _ in }
    ) async throws -> MailStore {
        var options = MailStoreOptions()
        options.logFiles = files
        options.engineFiles = engineFiles
        options.reservedDiskBytes = 0
        // Checkpoints happen when the test wants them.
        options.checkpointRecords = .max
        options.checkpointBytes = .max
        change(&options)
        return try await MailStore.open(
            directory: path ?? self.path, options: options,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            clock: { [clock] in clock.now })
    }

    /// What is on the disk now, as a process that is killed now leaves it.
    func crashed(_ name: String) throws -> String {
        let copy = directory + "/" + name
        try? FileManager.default.removeItem(atPath: copy)
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        return copy
    }

    /// Cuts so many bytes off the log of a copy, as a power cut may.
    func tearLog(in copy: String, by count: Int) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: copy + "/log").sorted()
        guard let last = names.last else { return }
        let file = try PosixLogFileSystem().open(copy + "/log/" + last)
        try file.truncate(to: try file.size() - UInt64(count))
    }

    /// Puts a copy in the place of the store, which is closed.
    func replace(with copy: String) throws {
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: copy, toPath: path)
    }

    func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: path) }
}

/// A clock that stands until it is moved.
final class ManualClock: Sendable {
    private let milliseconds = Atomic<UInt64>(1_750_000_000_000)

    var now: UInt64 { milliseconds.load(ordering: .relaxed) }

    func advance(seconds: UInt64) { milliseconds.wrappingAdd(seconds * 1_000, ordering: .relaxed) }
}

extension MailAccount {
    /// Appends a message in pieces.
    @discardableResult
    func append(
        _ body: [UInt8], to name: String, flags: MessageFlagNames = MessageFlagNames(), pieces: Int = 1 << 16
    ) async throws -> UInt32 {
        let upload = try await beginUpload(
            to: name, size: UInt64(body.count), flags: flags, date: MessageDate(seconds: 1_700_000_000, zoneMinutes: 60)
        )
        var start = 0
        while start < body.count {
            let end = min(start + pieces, body.count)
            await upload.write(Array(body[start..<end]))
            start = end
        }
        return try await upload.finish().uid ?? 0
    }

    @discardableResult
    func append(_ text: String, to name: String = "INBOX", flags: MessageFlagNames = MessageFlagNames()) async throws
        -> UInt32
    {
        try await append(Array(text.utf8), to: name, flags: flags)
    }

    func messages(of name: String) async throws -> [StoredMessage] {
        let mailbox = try await open(name) {}
        defer { mailbox.close() }
        return try await mailbox.messages(after: 0, limit: .max)
    }

    func body(of message: StoredMessage) throws -> [UInt8] {
        let reader = openBody(of: message)
        defer { reader.close() }
        return try reader.read(0..<reader.size)
    }
}

extension MailStore {
    func digest(of account: MailAccount) -> StateDigest? { core.withLock { $0.accounts[account.index]?.state.digest } }

    /// How many keys of a family the engine holds.
    func count(_ family: EngineKey.Family) throws -> Int {
        try engine.read { reader in
            var count = 0
            try reader.scan(from: [family.rawValue], upTo: [family.rawValue + 1]) { _, _ in
                count += 1
                return true
            }
            return count
        }
    }

    /// Loads an account that nobody has used since the store was opened, with all its messages.
    func loadAll(_ account: MailAccount) async throws {
        for entry in try await account.mailboxes().mailboxes { _ = try await account.messages(of: entry.name) }
        // Mailboxes that are hidden or deleted may still have records.
        while true {
            let need = core.withLock { core -> (MailboxID, UInt64, UInt64)? in
                guard let box = core.accounts[account.index],
                    let mailbox = box.state.recordedMailboxes.first(where: { !box.state.isResident($0) })
                else { return nil }
                let key = MailboxKey(account: account.index, mailbox: mailbox)
                return (mailbox, core.installations[key, default: 0], core.generation)
            }
            guard let (mailbox, installation, generation) = need else { return }
            try load(mailbox, of: account.index, installation, generation)
        }
    }
}

/// Everything that a client can learn of an account.
struct AccountDump: Equatable, CustomStringConvertible {
    struct Message: Equatable {
        var uid: UInt32
        var modSeq: UInt64
        var facts: MessageFacts
        var system: SystemFlags
        var keywords: [String]
        var bodyHash: [UInt8]
    }

    struct Box: Equatable {
        var name: String
        var use: MailboxUse
        var validity: UInt32
        var next: UInt32
        var highestModSeq: UInt64
        var unseen: Int
        var deleted: Int
        var octets: UInt64
        var messages: [Message]
    }

    var boxes: [Box] = []
    var subscriptions: [String] = []

    init(_ account: MailAccount) async throws {
        let listing = try await account.mailboxes()
        subscriptions = listing.subscriptions
        for entry in listing.mailboxes {
            let counts = try await account.counts(of: entry.name)
            var messages: [Message] = []
            for message in try await account.messages(of: entry.name) {
                let hash = Array(SHA256.hash(data: try account.body(of: message)))
                messages.append(
                    Message(
                        uid: message.uid, modSeq: message.modSeq, facts: message.facts, system: message.flags.system,
                        keywords: message.flags.keywords.sorted(), bodyHash: hash))
            }
            boxes.append(
                Box(
                    name: entry.name, use: entry.use, validity: counts.uidValidity, next: counts.uidNext,
                    highestModSeq: counts.highestModSeq, unseen: counts.unseen, deleted: counts.deleted,
                    octets: counts.octets, messages: messages))
        }
    }

    var description: String {
        boxes.map { "\($0.name)[\($0.validity)] next \($0.next): \($0.messages.map(\.uid))" }.joined(separator: "; ")
    }
}
