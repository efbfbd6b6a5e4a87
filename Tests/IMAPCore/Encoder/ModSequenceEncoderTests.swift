// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

@Suite("Modification sequences in responses")
struct ModSequenceEncoderTests {
    private func text(_ response: ServerResponse) -> String {
        String(decoding: ResponseEncoder.encoded(response), as: UTF8.self)
    }

    private let large = ModSequence(clamping: 917_162_500)

    @Test func writesTheResponseCodes() {
        let highest = StatusCondition(.ok, code: .highestModSequence(.largest), text: "x")
        #expect(text(.untagged(highest)) == "* OK [HIGHESTMODSEQ 9223372036854775807] x\r\n")
        let uids = UIDSet(compacting: [7, 9, 10].compactMap { UID($0) })
        let modified = StatusCondition(.ok, code: .modified(.uid(uids)), text: "x")
        #expect(text(.untagged(modified)) == "* OK [MODIFIED 7,9:10] x\r\n")
        let numbers = SequenceSet(compacting: [7, 9].compactMap { SequenceNumber($0) })
        let failed = StatusCondition(.no, code: .modified(.sequence(numbers)), text: "x")
        #expect(text(.tagged(Tag("a")!, failed)) == "a NO [MODIFIED 7,9] x\r\n")
    }

    @Test func writesStatusSearchAndFetch() {
        let status = MailboxStatus(mailbox: .inbox, values: [.messages(2), .highestModSequence(large)])
        #expect(text(.status(status)) == "* STATUS INBOX (MESSAGES 2 HIGHESTMODSEQ 917162500)\r\n")
        #expect(text(.search([2, 5], modSequence: large)) == "* SEARCH 2 5 (MODSEQ 917162500)\r\n")
        #expect(text(.search([], modSequence: large)) == "* SEARCH\r\n")
        let result = ExtendedSearchResult(
            tag: Tag("a")!, isUID: false, all: [1...3, 5...5], modSequence: ModSequence(clamping: 1_236))
        #expect(text(.extendedSearch(result)) == "* ESEARCH (TAG \"a\") ALL 1:3,5 MODSEQ 1236\r\n")
        var output: [UInt8] = []
        var encoder = FetchEncoder(SequenceNumber(1)!, into: &output)
        encoder.uid(UID(4)!, into: &output)
        encoder.modSequence(ModSequence(clamping: 65_402), into: &output)
        encoder.finish(into: &output)
        #expect(String(decoding: output, as: UTF8.self) == "* 1 FETCH (UID 4 MODSEQ (65402))\r\n")
    }
}
