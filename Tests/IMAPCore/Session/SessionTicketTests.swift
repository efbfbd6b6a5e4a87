// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import IMAPCore

@Suite("Tickets of sessions")
struct SessionTicketTests {
    static func uids(_ numbers: some Sequence<UInt32>) -> [UID] { numbers.compactMap { UID($0) } }

    static func ticket(_ uids: [UID], identity: [UInt8] = [1, 2, 3], isReadOnly: Bool = false) -> SessionTicket {
        SessionTicket(
            mailbox: SessionTicket.Mailbox(
                name: ModelStore.name("Årbok/2026"), identity: identity, uidValidity: UIDValidity(77)!,
                isReadOnly: isReadOnly, nextUID: UInt64(uids.last?.rawValue ?? 0) + 1, uids: uids,
                modSequence: uids.count % 2 == 0 ? nil : .largest),
            enabled: ["CONDSTORE"])
    }

    static func decode(_ bytes: [UInt8], _ limits: TicketLimits = TicketLimits()) throws(IMAPError) -> SessionTicket {
        try SessionTicket(decoding: bytes.span, limits: limits)
    }

    @Test(arguments: 0..<100)
    func aTicketSurvivesItsEncoding(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var numbers: Set<UInt32> = []
        for _ in 0..<Int.random(in: 0...60, using: &random) {
            let start = UInt32.random(in: 1 ... .max, using: &random)
            for offset in 0..<UInt32.random(in: 1...20, using: &random) { numbers.insert(max(1, start &+ offset)) }
        }
        let ticket = Self.ticket(Self.uids(numbers.sorted()), isReadOnly: .random(using: &random))
        #expect(try Self.decode(ticket.encoded()) == ticket, "seed \(seed)")
    }

    @Test func aTicketWithoutAMailboxIsSmall() throws {
        #expect(SessionTicket().encoded() == [1, 0, 0])
        #expect(try Self.decode([1, 0, 0]) == SessionTicket())
    }

    @Test func aFullMailboxTakesFewBytes() {
        let ticket = Self.ticket(Self.uids(1...100_000))
        #expect(ticket.encoded().count < 60)
    }

    @Test func theLargestIdentifierIsNoProblem() throws {
        let ticket = Self.ticket(Self.uids([1, .max]))
        #expect(try Self.decode(ticket.encoded()).mailbox?.nextUID == 1 << 32)
    }

    @Test func everyShorterTicketIsRefused() {
        let bytes = Self.ticket(Self.uids([1, 2, 3, 9, 300])).encoded()
        for count in 0..<bytes.count {
            #expect(throws: IMAPError.self, "\(count) bytes") { try Self.decode(Array(bytes[..<count])) }
        }
    }

    @Test(arguments: 0..<300)
    func hostileBytesGiveAnErrorOrATicket(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var bytes = Self.ticket(Self.uids([1, 2, 3, 9, 300])).encoded()
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes[place] = .random(in: 0...255, using: &random)
            case 1: bytes.insert(.random(in: 0...255, using: &random), at: place)
            default: bytes.remove(at: place)
            }
        }
        do throws(IMAPError) {
            var limits = TicketLimits()
            limits.messages = 1_000
            let ticket = try Self.decode(bytes, limits)
            let uids = ticket.mailbox?.uids ?? []
            #expect(zip(uids, uids.dropFirst()).allSatisfy { $0 < $1 }, "seed \(seed)")
            #expect(uids.count <= 1_000, "seed \(seed)")
        } catch {
            #expect(error.code == .invalidTicket, "seed \(seed)")
        }
    }

    /// A range of four thousand million messages is five bytes; it must not become memory.
    @Test func aRangeCannotFillTheMemory() {
        let bytes = Self.ticket(Self.uids(1...4)).encoded()
        var limits = TicketLimits()
        limits.messages = 3
        #expect(throws: IMAPError.self) { try Self.decode(bytes, limits) }
        #expect(throws: IMAPError.self) {
            try Self.decode(bytes + [1, 0x80, 0x80, 0x80, 0x80, 0x10, 0, 1, 10, 0xE0, 0xFF, 0xFF, 0xFF, 0x0F])
        }
    }

    @Test(
        arguments: [
            [2, 0, 0], [1, 4, 0], [1, 6, 0], [1, 8, 0], [1, 0, 0, 3, 1], [1, 2, 0], [1, 0, 0, 1], [1, 0, 0, 9],
            [1, 0, 1, 1, 0xFF], [1, 0, 33],
            [1, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
        ] as [[UInt8]])
    func whatIsNoTicketIsRefused(bytes: [UInt8]) {
        #expect(throws: IMAPError.self) { try Self.decode(bytes) }
    }

    @Test func aTicketThatIsTooLargeIsRefused() {
        var limits = TicketLimits()
        limits.bytes = 10
        #expect(throws: IMAPError.self) { try Self.decode(Self.ticket(Self.uids([1])).encoded(), limits) }
    }

    /// What the machine says of its ticket, put together, is what its client believes.
    @Test(arguments: 0..<60)
    func theUpdatesOfASessionAreItsTicket(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let store = ModelStore(["INBOX", "Two"])
        for _ in 0..<20 { store.append(.inbox) }
        let shell = try ModelShell(store, resuming: nil)
        shell.open()
        #expect(shell.output.isEmpty)
        shell.line("s SELECT INBOX")
        for step in 0..<150 {
            let uids = store.uids("INBOX")
            switch Int.random(in: 0..<6, using: &random) {
            case 0, 1: for _ in 0..<5 { store.append(.inbox) }
            case 2: store.remove(Set(uids.shuffled(using: &random).prefix(4)), from: .inbox)
            case 3: shell.line("x SELECT \(["INBOX", "Two", "Nowhere"].randomElement(using: &random)!)")
            case 4: shell.line("x SELECT INBOX")
            default: break
            }
            shell.deliver()
            shell.line("n NOOP")
            let ticket = try Self.decode(shell.ticket)
            #expect(ticket.mailbox?.name == shell.selectedMailbox, "seed \(seed), step \(step)")
            if let mailbox = ticket.mailbox {
                #expect(mailbox.uids == store.uids(mailbox.name.value), "seed \(seed), step \(step)")
            }
        }
        #expect(shell.ticket.count <= 2 * TicketJournal.smallestBase + 1_000)
    }

    /// A change of one message costs the same in a mailbox of any size.
    @Test func aSmallChangeIsASmallUpdate() throws {
        let store = ModelStore()
        for _ in 0..<5_000 { store.append(.inbox) }
        store.remove(Set(store.uids("INBOX").filter { $0.rawValue % 2 == 0 }), from: .inbox)
        let shell = try ModelShell(store, resuming: nil)
        shell.open()
        shell.line("s SELECT INBOX")
        #expect(shell.ticket.count > 4_000)
        store.append(.inbox)
        shell.deliver()
        shell.line("n NOOP")
        let update = try #require(shell.changes.last?.update)
        #expect(!update.isComplete)
        #expect(update.bytes.count < 16)
    }

    @Test func manyRemovalsAreReportedInParts() throws {
        let store = ModelStore()
        for _ in 0..<6_000 { store.append(.inbox) }
        let shell = try ModelShell(store, resuming: nil)
        shell.open()
        shell.line("s SELECT INBOX")
        shell.changes = []
        store.remove(Set(store.uids("INBOX")), from: .inbox)
        shell.deliver()
        shell.line("n NOOP")
        #expect(shell.changes.count == 3)
        #expect(shell.changes.allSatisfy { $0.bytes.count < 64 << 10 })
        #expect(try Self.decode(shell.ticket).mailbox?.uids == [])
    }

    @Test func aSessionThatNobodyKeepsSaysNothingOfTickets() {
        let shell = ModelShell(ModelStore())
        shell.start()
        shell.line("c CLOSE")
        #expect(shell.changes.isEmpty)
    }
}
