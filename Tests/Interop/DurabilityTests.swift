// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import LiveTestSupport
internal import TestSupport
internal import Testing

extension Live {
    /// What was acknowledged survives the end of the process at any instant.
    @Suite("Durability") struct Durability {
        @Test func nothingAcknowledgedIsLostWhenTheProcessIsKilled() throws {
            let seed = makeSeed()
            let folder = try TemporaryDirectory()
            var run = try DurabilityRun(directory: folder.file("mail"), seed: seed)
            do {
                for _ in 1...6 { try run.round(endingWith: SIGKILL) }
                try run.round(endingWith: SIGTERM)
                try run.round(endingWith: SIGKILL)
            } catch {
                Issue.record("KUIPER_SEED=\(seed), round \(run.roundCount): \(error)")
            }
            #expect(run.ledger.acknowledged > 200, "KUIPER_SEED=\(seed): too little work to prove anything")
        }
    }
}

/// Clients that change two mailboxes all the time, through the ends and restarts of their server.
struct DurabilityRun {
    private static let mailboxNames = ["INBOX", "Archive"]
    private static let clientCount = 6

    private let directory: String
    private var generator: SeededGenerator
    private var nextToken = 0
    private(set) var ledger = DurabilityLedger()
    private(set) var roundCount = 0

    init(directory: String, seed: UInt64) throws {
        self.directory = directory
        generator = SeededGenerator(seed: seed)
    }

    /// One connection and the operation that it waits for.
    private struct Connection {
        let client: RawIMAPClient
        let mailbox: Int
        var tag: String
        var operation: PendingOperation
    }

    /// Starts the server, works, ends the server in the middle of it, starts it again and looks.
    mutating func round(endingWith signal: Int32) throws {
        roundCount += 1
        let server = try start()
        var connections: [Connection] = []
        for index in 0..<Self.clientCount {
            let client = try RawIMAPClient(server)
            let mailbox = index % Self.mailboxNames.count
            let opened = try client.command("SELECT \(Self.mailboxNames[mailbox])")
            guard opened.isOK else { throw LiveFailure("\(opened)") }
            let (tag, operation) = try begin(client, mailbox, index)
            connections.append(Connection(client: client, mailbox: mailbox, tag: tag, operation: operation))
        }
        let end = Deadline(.milliseconds(Int.random(in: 20...700, using: &generator)))
        while true {
            let ready = try RawIMAPClient.wait(for: connections.map(\.client), until: end)
            if ready.isEmpty || end.isOver { break }
            for index in ready {
                try connections[index].client.receiveAvailable()
                guard let reply = connections[index].client.takeReply(connections[index].tag) else {
                    guard !connections[index].client.socket.isAtEnd else { throw LiveFailure("the server hung up") }
                    continue
                }
                try ledger.note(connections[index].operation, reply)
                let (tag, operation) = try begin(connections[index].client, connections[index].mailbox, index)
                connections[index].tag = tag
                connections[index].operation = operation
            }
        }
        try finish(server, with: signal)
        try verify(connections)
    }

    private func start() throws -> PlutoServer {
        try PlutoServer(directory: directory, options: ["--allow-insecure-auth"])
    }

    private func finish(_ server: PlutoServer, with signal: Int32) throws {
        if signal == SIGTERM { try server.stop() } else { try server.killHard() }
    }

    /// Reads what the server still said, then compares a new server with it.
    private mutating func verify(_ connections: [Connection]) throws {
        var pending: [PendingOperation] = []
        for connection in connections {
            while try connection.client.receive(until: Deadline(.seconds(10))) {}
            if let reply = connection.client.takeReply(connection.tag), reply.isOK {
                try ledger.note(connection.operation, reply)
            } else {
                pending.append(connection.operation)
                if case .look(let mailbox) = connection.operation {
                    try ledger.note(connection.client.unfinished, seenIn: mailbox)
                }
            }
        }
        let server = try start()
        let mailboxes = try Self.mailboxNames.map { try FarMailbox($0, of: server) }
        try ledger.verify(mailboxes, pending: pending)
        try server.stop()
    }

    /// Begins the next operation of a client: on a message of its own, so that its outcome is known.
    private mutating func begin(
        _ client: RawIMAPClient, _ mailbox: Int, _ index: Int
    ) throws -> (tag: String, operation: PendingOperation) {
        let own = ledger.live.keys
            .filter { $0.mailbox == mailbox && (ledger.live[$0]?.token ?? 0) % Self.clientCount == index }
            .sorted { $0.uid < $1.uid }
        let choice = Int.random(in: 0..<100, using: &generator)
        guard choice >= 45, let slot = own.randomElement(using: &generator) else {
            nextToken += 1
            let token = nextToken * Self.clientCount + index
            let flags = Bool.random(using: &generator) ? "\\Seen $Kept" : ""
            let target = Int.random(in: 0..<Self.mailboxNames.count, using: &generator)
            let tag = try client.beginAppend(
                to: Self.mailboxNames[target], flags: flags, DurabilityMail.bytes(token))
            return (tag, .append(mailbox: target, token: token, flags: Self.set(flags)))
        }
        let other = (mailbox + 1) % Self.mailboxNames.count
        switch choice {
        case ..<60:
            let flags = ["", "\\Answered", "\\Flagged \\Seen", "$Later"].randomElement(using: &generator) ?? ""
            let tag = try client.begin("UID STORE \(slot.uid) FLAGS.SILENT (\(flags))")
            return (tag, .store(slot, flags: Self.set(flags)))
        case ..<77:
            // Only a deleted message is expunged: mark it first, and expunge it when it is chosen again.
            guard ledger.live[slot]?.flags.contains("\\Deleted") == true else {
                let tag = try client.begin("UID STORE \(slot.uid) FLAGS.SILENT (\\Deleted)")
                return (tag, .store(slot, flags: ["\\Deleted"]))
            }
            return (try client.begin("UID EXPUNGE \(slot.uid)"), .expunge(slot))
        case ..<87:
            return (try client.begin("UID MOVE \(slot.uid) \(Self.mailboxNames[other])"), .move(slot, to: other))
        case ..<94:
            return (try client.begin("UID COPY \(slot.uid) \(Self.mailboxNames[other])"), .copy(slot, to: other))
        default:
            let from = max(1, Int(ledger.lastUID(in: mailbox)) - 5)
            let tag = try client.begin("UID FETCH \(from):* (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
            return (tag, .look(mailbox: mailbox))
        }
    }

    private static func set(_ flags: String) -> Set<String> { Set(flags.split(separator: " ").map(String.init)) }
}
