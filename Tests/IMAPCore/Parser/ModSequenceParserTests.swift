// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

@Suite("Modification sequences in commands")
struct ModSequenceParserTests {
    private func parse(_ text: String) throws -> CommandBody {
        try CommandParser.parse(CommandText("a " + text)).body
    }

    private static func modSequence(_ value: UInt64) -> ModSequence { ModSequence(value)! }

    @Test func readsTheExamplesOfTheRFC() throws {
        let condstore: [SelectParameter] = [.condstore]
        #expect(try parse("SELECT INBOX (CONDSTORE)") == .select(.inbox, parameters: condstore))
        #expect(try parse("EXAMINE {5}\r\nINBOX (condstore)") == .examine(.inbox, parameters: condstore))
        #expect(try parse("SELECT INBOX (CONDSTORE CONDSTORE)") == .select(.inbox, parameters: condstore))
        let name = try MailboxName("blurdybloop")
        #expect(
            try parse("STATUS blurdybloop (UIDNEXT MESSAGES HIGHESTMODSEQ)")
                == .status(name, [.uidNext, .messages, .highestModSequence]))
        let set = MessageSet.sequence(SequenceSet([SequenceRange(.number(SequenceNumber(1)!), .largest)]))
        let uids = MessageSet.uid(UIDSet([UIDRange(.number(UID(1)!), .largest)]))
        #expect(try parse("FETCH 1:* (MODSEQ)") == .fetch(set, [.modSequence]))
        #expect(try parse("FETCH 1:* modseq") == .fetch(set, [.modSequence]))
        #expect(
            try parse("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 12345)")
                == .fetch(uids, [.flags], changedSince: Self.modSequence(12_345)))
        #expect(
            try parse("FETCH 1:* FAST (changedsince 1)")
                == .fetch(set, FetchItem.fast, changedSince: Self.modSequence(1)))
        let keyword = Flag.keyword(try #require(Keyword("$Processed")))
        #expect(
            try parse("STORE 1:* (UNCHANGEDSINCE 12121230045) +FLAGS.SILENT (\\Deleted $Processed)")
                == .store(
                    set,
                    StoreChange(
                        mode: .add, isSilent: true, flags: [.deleted, keyword],
                        unchangedSince: Self.modSequence(12_121_230_045))))
    }

    @Test func readsTheSearchKeyWithAndWithoutAnEntry() throws {
        for text in [
            "MODSEQ 620162338", #"MODSEQ "/flags/\\draft" all 620162338"#,
            #"modseq "/flags/$MDNSent" SHARED 620162338"#,
            #"MODSEQ "/flags/\\Other" priv 620162338"#, "MODSEQ 000620162338",
        ] {
            guard case .search(let search) = try parse("SEARCH \(text)") else { continue }
            #expect(search.key == .modSequence(Self.modSequence(620_162_338)), "\(text)")
        }
        guard case .search(let search) = try parse("SEARCH OR NOT MODSEQ 0 (LARGER 5 MODSEQ 7)") else { return }
        #expect(search.key.modSequences == [.zero, Self.modSequence(7)])
    }

    @Test(arguments: [
        "FETCH 1 FLAGS (CHANGEDSINCE 9223372036854775807)", "STORE 1 (UNCHANGEDSINCE 9223372036854775807) FLAGS ()",
        "STORE 1 (UNCHANGEDSINCE 0) FLAGS ()", "SEARCH MODSEQ 0", "SEARCH MODSEQ 9223372036854775807",
    ])
    func takesNumbersUpToTheirBounds(text: String) throws {
        _ = try parse(text)
    }

    @Test(arguments: [
        // Not 63 bits; some of these would be small after an overflow.
        "FETCH 1 FLAGS (CHANGEDSINCE 9223372036854775808)", "FETCH 1 FLAGS (CHANGEDSINCE 18446744073709551617)",
        "FETCH 1 FLAGS (CHANGEDSINCE 99999999999999999999999999)", "SEARCH MODSEQ 9223372036854775808",
        "STORE 1 (UNCHANGEDSINCE 9223372036854775808) FLAGS ()",
        // Zero where it means nothing.
        "FETCH 1 FLAGS (CHANGEDSINCE 0)", "FETCH 1 FLAGS (CHANGEDSINCE 00)", "SEARCH MODSEQ 00",
        // No number.
        "FETCH 1 FLAGS (CHANGEDSINCE)", "FETCH 1 FLAGS (CHANGEDSINCE )", "FETCH 1 FLAGS (CHANGEDSINCE -1)",
        "FETCH 1 FLAGS (CHANGEDSINCE 1x)", "STORE 1 (UNCHANGEDSINCE x) FLAGS ()", "SEARCH MODSEQ", "SEARCH MODSEQ x",
        // Modifiers that are unknown, twice, empty or not there.
        "FETCH 1 FLAGS (VANISHED)", "FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)", "FETCH 1 FLAGS (UNCHANGEDSINCE 1)",
        "FETCH 1 FLAGS (CHANGEDSINCE 1 CHANGEDSINCE 2)", "FETCH 1 FLAGS ()", "FETCH 1 FLAGS CHANGEDSINCE 1",
        "FETCH 1 FLAGS (CHANGEDSINCE 1", "FETCH 1 FLAGS (CHANGEDSINCE 1) x",
        "STORE 1 (CHANGEDSINCE 1) FLAGS ()", "STORE 1 (UNCHANGEDSINCE 1 UNCHANGEDSINCE 1) FLAGS ()",
        "STORE 1 (UNCHANGEDSINCE 1)FLAGS ()", "STORE 1 () FLAGS ()",
        "SELECT INBOX (QRESYNC (1 2))", "SELECT INBOX ()", "SELECT INBOX CONDSTORE", "EXAMINE INBOX (CONDSTORE) x",
        // Entries that are none.
        #"SEARCH MODSEQ "/flags/" all 1"#, #"SEARCH MODSEQ "/other/x" all 1"#, #"SEARCH MODSEQ "/flags/a b" all 1"#,
        #"SEARCH MODSEQ "/flags/x" none 1"#, #"SEARCH MODSEQ "/flags/x" 1"#, "SEARCH MODSEQ /flags/x all 1",
    ])
    func refusesWhatIsWrongWithBad(text: String) {
        do {
            let body = try parse(text)
            Issue.record("\(text) was read as \(body)")
        } catch let error as IMAPError {
            #expect(error.status == .bad)
        } catch {
            Issue.record(error)
        }
    }

    @Test func aModSequenceHas63Bits() {
        #expect(ModSequence(UInt64(Int64.max)) == .largest)
        #expect(ModSequence(UInt64(Int64.max) + 1) == nil)
        #expect(ModSequence(clamping: .max) == .largest)
        #expect(ModSequence(0) == .zero)
        #expect(ModSequence.zero < .largest)
    }
}
