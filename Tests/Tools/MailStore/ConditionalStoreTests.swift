// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Testing

@testable import MailStore

/// STORE with UNCHANGEDSINCE, and what modification sequences promise (RFC 7162 sections 3.1 and 3.1.3).
@Suite("Conditional STORE", .timeLimit(.minutes(10)))
struct ConditionalStoreTests {
    private static func flags(_ system: SystemFlags, _ keywords: [String] = []) -> MessageFlagNames {
        MessageFlagNames(system: system, keywords: keywords)
    }

    private func opened(_ count: Int) async throws -> (StoreFixture, MailStore, OpenMailbox) {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        for number in 0..<count { try await alice.append("message \(number)") }
        return (fixture, store, try await alice.open("INBOX") {})
    }

    @Test func whatHasChangedIsLeftAloneAndReportedAsItIs() async throws {
        let (_, store, mailbox) = try await opened(3)
        let before = mailbox.snapshot.counts.highestModSeq
        let changed = try await mailbox.store([2], .add(Self.flags(.answered)))[0]
        #expect(changed.modSeq > before)
        let result = try await mailbox.store([1, 2, 3, 9], .replace(Self.flags(.seen)), unchangedSince: before)
        #expect(result.stored.map(\.uid) == [1, 3])
        #expect(result.stored.allSatisfy { $0.flags == Self.flags(.seen) && $0.modSeq > changed.modSeq })
        #expect(result.modified.map(\.uid) == [2])
        #expect(result.modified[0].flags == Self.flags(.answered))
        #expect(result.modified[0].modSeq == changed.modSeq)
        // The modification sequence that was reported lets the next try pass.
        let second = try await mailbox.store([2], .replace(Self.flags(.seen)), unchangedSince: changed.modSeq)
        #expect(second.modified.isEmpty && second.stored.map(\.uid) == [2])
        mailbox.close()
        await store.close()
    }

    @Test func zeroAsksWhetherTheNamedFlagsExist() async throws {
        let (_, store, mailbox) = try await opened(1)
        func passes(_ edit: FlagEdit) async throws -> Bool {
            try await mailbox.store([1], edit, unchangedSince: 0).modified.isEmpty
        }
        #expect(try await !passes(.add(Self.flags(.seen))))
        #expect(try await !passes(.remove(Self.flags(.seen, ["$A"]))))
        #expect(try await !passes(.replace(Self.flags([]))))
        #expect(try await passes(.remove(Self.flags([], ["$A"]))))
        #expect(try await passes(.add(Self.flags([], ["$A", "$B"]))))
        #expect(try await !passes(.add(Self.flags([], ["$C", "$a"]))))
        #expect(try await !passes(.remove(Self.flags([], ["$B"]))))
        #expect(try await mailbox.messages([1])[0].flags == Self.flags([], ["$A", "$B"]))
        mailbox.close()
        await store.close()
    }

    @Test func modSequencesAscendWithEveryChangeAndOnlyThen() async throws {
        let (_, store, mailbox) = try await opened(4)
        var last = mailbox.snapshot.counts.highestModSeq
        for turn in 0..<20 {
            let stored = try await mailbox.store(
                [1, 2, 3, 4], turn % 2 == 0 ? .add(Self.flags(.seen)) : .replace(Self.flags([])))
            let values = stored.map(\.modSeq)
            #expect(values == values.sorted() && Set(values).count == 4 && values[0] > last)
            last = values[3]
            // Setting what is set changes nothing.
            let again = try await mailbox.store(
                [1, 2, 3, 4], turn % 2 == 0 ? .add(Self.flags(.seen)) : .replace(Self.flags([])))
            #expect(again.map(\.modSeq) == values)
        }
        let alice = try await store.account(named: "alice")
        #expect(try await alice.counts(of: "INBOX").highestModSeq == last)
        let uid = try await alice.append("later")
        let appended = try await mailbox.messages([uid])[0].modSeq
        #expect(appended > last)
        #expect(try await mailbox.messages([1, 2, 3, 4, uid], changedSince: last).map(\.uid) == [uid])
        #expect(try await mailbox.messages([1, 2, 3, 4, uid], changedSince: last - 1).map(\.uid) == [4, uid])
        mailbox.close()
        await store.close()
    }

    /// Test and set: of many who saw the same state exactly one may change it.
    @Test func ofManyWhoTryAtOnceExactlyOnePasses() async throws {
        let (_, store, mailbox) = try await opened(2)
        for round in 0..<15 {
            let seen = try await mailbox.messages([1])[0].modSeq
            let keyword = "$round\(round)"
            let passed = try await withThrowingTaskGroup(of: (Int, Int).self) { tasks in
                for number in 0..<8 {
                    tasks.addTask {
                        let own = try await store.account(named: "alice").open("INBOX") {}
                        defer { own.close() }
                        let edit = FlagEdit.replace(Self.flags([], ["$r\(round)by\(number)"]))
                        let changed = try await own.store([1], edit, unchangedSince: seen)
                        let set = try await own.store([2], .add(Self.flags([], [keyword])), unchangedSince: 0)
                        return (changed.stored.count, set.stored.count)
                    }
                }
                return try await tasks.reduce((0, 0)) { ($0.0 + $1.0, $0.1 + $1.1) }
            }
            #expect(passed == (1, 1))
            #expect(try await mailbox.messages([1])[0].flags.keywords.count == 1)
        }
        mailbox.close()
        await store.close()
    }

    @Test func aMessageThatIsLeftAloneDoesNotCountForTheLimitOfKeywords() async throws {
        let (_, store, mailbox) = try await opened(2)
        _ = try await mailbox.store([1], .add(Self.flags([], (0..<90).map { "k\($0)" })))
        let known = try await mailbox.messages([2])[0].modSeq
        let more = FlagEdit.add(Self.flags([], (90..<120).map { "k\($0)" }))
        let result = try await mailbox.store([1, 2], more, unchangedSince: known)
        #expect(result.modified.map(\.uid) == [1] && result.stored.map(\.uid) == [2])
        mailbox.close()
        await store.close()
    }

    @Test func noticesCarryTheModSequencesThatTheMessagesHave() async throws {
        let (_, store, mailbox) = try await opened(1)
        let other = try await store.account(named: "alice").open("INBOX") {}
        let stored = try await other.store([1], .add(Self.flags(.deleted)))[0].modSeq
        _ = try await other.expunge(nil)
        try await mailbox.barrier()
        var told: [UInt64] = []
        for notice in mailbox.takeNotices() {
            switch notice {
            case .flagsChanged(_, _, let modSeq, let isOwn):
                #expect(!isOwn)
                told.append(modSeq)
            case .vanished(_, let modSeq): told.append(modSeq)
            case .arrived, .keywordsSeen, .deleted, .overrun, .renamed: break
            }
        }
        let highest = try await store.account(named: "alice").counts(of: "INBOX").highestModSeq
        #expect(told == [stored, highest] && highest > stored)
        for open in [mailbox, other] { open.close() }
        await store.close()
    }

    @Test func whatAClientPresentsIsTakenAsThisReplicas() async throws {
        let (_, store, mailbox) = try await opened(1)
        #expect(try await mailbox.localModSeq(12_345) == 12_345)
        mailbox.close()
        await store.close()
    }
}
