// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import MailStore

/// What many users do at once: mail comes, is flagged, copied, moved and expunged, so that mailboxes stay as large as
/// they are and the operations are of every kind.
struct Workload: Sendable {
    /// The accounts, each with a writer of its own.
    var accounts = 64
    /// The messages around which a mailbox stays.
    var messages = 300

    let store: MailStore

    init(_ store: MailStore) { self.store = store }

    /// Writes until the replica has issued so many operations.
    func write(until counter: UInt64) async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for number in 0..<accounts {
                tasks.addTask {
                    var writer = try await AccountWriter(store, number: number, messages: messages)
                    defer { writer.close() }
                    while issued < counter { try await writer.step() }
                }
            }
            try await tasks.waitForAll()
        }
    }

    /// The operations that the replica has issued and that are durable.
    var issued: UInt64 {
        let status = store.replicationStatus()
        return StreamVector(status.durable)[status.replica]
    }
}

/// One user.
private struct AccountWriter {
    private let account: MailAccount
    private let inbox: OpenMailbox
    private let archive: OpenMailbox
    private let messages: Int
    private var generator: BenchGenerator
    private var inboxUIDs: [UInt32]
    private var archiveUIDs: [UInt32]

    init(_ store: MailStore, number: Int, messages: Int) async throws {
        account = try await store.account(named: "user-\(number)")
        inbox = try await account.open("INBOX") {}
        archive = try await account.open("Archive") {}
        inboxUIDs = try await inbox.messages(after: 0, limit: .max).map(\.uid)
        archiveUIDs = try await archive.messages(after: 0, limit: .max).map(\.uid)
        self.messages = messages
        generator = BenchGenerator(seed: UInt64(number) &* 7919 &+ UInt64(inboxUIDs.last ?? 1))
    }

    func close() {
        inbox.close()
        archive.close()
    }

    mutating func step() async throws {
        _ = inbox.takeNotices()
        _ = archive.takeNotices()
        if inboxUIDs.count < messages / 2 { return try await append() }
        switch generator.below(100) {
        case 0..<25: try await append()
        case 25..<80: try await flag()
        case 80..<88:
            let copied = try await inbox.copy(some(inboxUIDs, 5), to: "Archive")
            archiveUIDs += copied.targets
        case 88..<92:
            let chosen = some(inboxUIDs, 3)
            let moved = try await inbox.move(chosen, to: "Archive")
            archiveUIDs += moved.targets
            let gone = Set(chosen)
            inboxUIDs.removeAll { gone.contains($0) }
        default: break
        }
        if inboxUIDs.count > messages { inboxUIDs = try await expunge(inboxUIDs, in: inbox) }
        if archiveUIDs.count > messages { archiveUIDs = try await expunge(archiveUIDs, in: archive) }
    }

    private mutating func append() async throws {
        let body =
            Array("Subject: mail \(generator.next())\r\n\r\n".utf8)
            + [UInt8](repeating: 0x61, count: 200 + generator.below(800))
        let upload = try await account.beginUpload(
            to: "INBOX", size: UInt64(body.count), flags: MessageFlagNames(),
            date: MessageDate(seconds: 1_700_000_000, zoneMinutes: 0))
        await upload.write(body)
        if let uid = try await upload.finish().uid { inboxUIDs.append(uid) }
    }

    private mutating func flag() async throws {
        let flags = [SystemFlags.seen, .flagged, .answered][generator.below(3)]
        let names = MessageFlagNames(system: flags, keywords: generator.below(8) == 0 ? ["$Junk"] : [])
        let chosen = some(inboxUIDs, 20)
        _ = try await inbox.store(chosen, generator.below(2) == 0 ? .add(names) : .remove(names))
    }

    /// Removes the older tenth.
    private func expunge(_ uids: [UInt32], in mailbox: OpenMailbox) async throws -> [UInt32] {
        let doomed = Array(uids.prefix(max(uids.count / 10, 1)))
        _ = try await mailbox.store(doomed, .add(MessageFlagNames(system: .deleted)))
        _ = try await mailbox.expunge(doomed)
        return Array(uids.dropFirst(doomed.count))
    }

    private mutating func some(_ uids: [UInt32], _ limit: Int) -> [UInt32] {
        guard !uids.isEmpty else { return [] }
        let count = min(1 + generator.below(limit), uids.count)
        let first = generator.below(uids.count - count + 1)
        return Array(uids[first..<first + count])
    }
}
