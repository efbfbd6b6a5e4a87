// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import TestSupport
import Testing

@Suite("FETCH composition and SEARCH plans")
struct FetchAndSearchTests {
    private let message = Array(
        """
        From: a@b\r
        Subject: hi\r
        Content-Type: multipart/mixed; boundary=x\r
        \r
        --x\r
        \r
        one\r
        --x\r
        Content-Type: text/html\r
        \r
        two\r
        --x--\r

        """.utf8)

    private func fetch(_ items: String, uid: Bool = false, announcesFlags: Bool = false) throws -> String {
        guard case .fetch(_, let items, _) = try CommandParser.parse(CommandText("a FETCH 1 \(items)")).body else {
            return "no FETCH"
        }
        let composer = FetchComposer(items: items, includeUID: uid)
        let structure: MessageStructure? =
            switch composer.needs {
            case .attributes: nil
            case .header: MessageScanner.scan(ModelShell.header(message))
            case .structure: MessageScanner.scan(message)
            }
        let pieces = composer.pieces(
            for: MessageTarget(sequenceNumber: SequenceNumber(4)!, uid: UID(9)!),
            attributes: MessageAttributes(
                uid: UID(9)!, flags: [.seen], internalDate: DateTime(secondsSinceEpoch: 0), byteCount: message.count,
                modSequence: ModSequence(clamping: 7)),
            structure: structure, announcesFlags: announcesFlags)
        var output: [UInt8] = []
        for piece in pieces {
            switch piece {
            case .bytes(let bytes): output += bytes
            case .rawRange(let range): output += message[range]
            case .filteredHeader(let filter): output += filter.literal(of: Array(message[filter.range]))
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    @Test(arguments: [
        ("FLAGS", "FLAGS (\\Seen)"), ("BODY.PEEK[2]", "BODY[2] {3}\r\ntwo"),
        ("BODY[2.MIME]", "BODY[2.MIME] {27}\r\nContent-Type: text/html\r\n\r\n"),
        ("BODY[7]", "BODY[7] NIL"), ("BODY[1.HEADER]", "BODY[1.HEADER] NIL"),
        ("BODY[]<0.4>", "BODY[]<0> {4}\r\nFrom"), ("BODY[]<9999.4>", "BODY[]<9999> {0}\r\n"),
        ("BODY[HEADER.FIELDS (SUBJECT)]", "BODY[HEADER.FIELDS (SUBJECT)] {15}\r\nSubject: hi\r\n\r\n"),
        (
            "BODY[HEADER.FIELDS.NOT (SUBJECT CONTENT-TYPE)]<3.4>",
            "BODY[HEADER.FIELDS.NOT (SUBJECT CONTENT-TYPE)]<3> {4}\r\nm: a"
        ),
        (
            "RFC822.HEADER",
            "RFC822.HEADER {69}\r\nFrom: a@b\r\nSubject: hi\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
        ),
        ("(RFC822.SIZE UID)", "RFC822.SIZE 125 UID 9"), ("INTERNALDATE", "INTERNALDATE \" 1-Jan-1970 00:00:00 +0000\""),
        (
            "BODY",
            "BODY ((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 0)(\"text\" \"html\" NIL NIL NIL \"7bit\" 3 0) \"mixed\")"
        ),
    ])
    func oneItemIsOneLegalResponse(item: String, value: String) throws {
        let response = try fetch(item)
        #expect(response.lowercased() == "* 4 FETCH (\(value))\r\n".lowercased())
    }

    @Test func plainItemsNeedNoStructure() throws {
        func needs(_ text: String) throws -> FetchComposer.Needs? {
            guard case .fetch(_, let items, _) = try CommandParser.parse(CommandText("a FETCH 1 \(text)")).body else {
                return nil
            }
            return FetchComposer(items: items, includeUID: false).needs
        }
        #expect(try needs("(FLAGS UID BODY[] RFC822 RFC822.SIZE)") == .attributes)
        #expect(try needs("(ENVELOPE BODY[TEXT] BODY[HEADER] RFC822.TEXT)") == .header)
        #expect(try needs("(FLAGS BODYSTRUCTURE)") == .structure)
        #expect(try needs("BODY[1]") == .structure)
    }

    @Test func textBeginsBehindTheHeader() throws {
        let response = try fetch("BODY[TEXT]")
        let text = String(decoding: message[69...], as: UTF8.self)
        #expect(response == "* 4 FETCH (BODY[TEXT] {\(text.utf8.count)}\r\n\(text))\r\n")
    }

    @Test func uidAndChangedFlagsAreAddedOnce() throws {
        #expect(
            try fetch("BODY[2]", uid: true, announcesFlags: true)
                == "* 4 FETCH (UID 9 BODY[2] {3}\r\ntwo FLAGS (\\Seen))\r\n")
        #expect(try fetch("(UID FLAGS)", uid: true, announcesFlags: true) == "* 4 FETCH (UID 9 FLAGS (\\Seen))\r\n")
    }

    /// The boundary agrees with the scanner, whatever the line ends and however the bytes come.
    @Test(arguments: 0..<300)
    func theHeaderBoundaryAgreesWithTheScanner(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let alphabet: [[UInt8]] = [[0x0D], [0x0A], [0x0D, 0x0A], Array("A: b".utf8), Array("x".utf8), [0x20]]
        let bytes = (0..<12).flatMap { _ in alphabet.randomElement(using: &random)! }
        var boundary = HeaderBoundary()
        for byte in bytes { boundary.consume([byte].span) }
        let expected = MessageScanner.scan(bytes).root.header.upperBound
        #expect(boundary.byteCount ?? bytes.count == expected, "\(bytes)")
    }

    private func plan(_ text: String) throws -> SearchPlan {
        guard case .search(let search) = try CommandParser.parse(CommandText("a SEARCH \(text)")).body else {
            fatalError("no SEARCH")
        }
        return SearchPlan(SearchRequest(key: search.key, charset: .utf8))
    }

    @Test(arguments: [
        ("SEEN", SearchPlan.Verdict.match), ("UNSEEN", .mismatch), ("SEEN SUBJECT x", .undecided),
        ("UNSEEN SUBJECT x", .mismatch), ("OR SEEN BODY x", .match), ("OR UNSEEN BODY x", .undecided),
        ("NOT BODY x", .undecided), ("LARGER 99", .match), ("LARGER 100", .mismatch), ("SMALLER 101", .match),
        ("UID 5:8", .mismatch), ("UID 1,9:12", .match), ("BEFORE 2-Jan-1970", .match), ("ON 1-Jan-1970", .match),
        ("SINCE 2-Jan-1970", .mismatch), ("KEYWORD $a", .match), ("UNKEYWORD $b", .match), ("RECENT", .mismatch),
        ("OLD", .match), ("NEW", .mismatch), ("NOT NEW", .match), ("ALL", .match),
    ])
    func attributesDecideWhatTheyCan(text: String, verdict: SearchPlan.Verdict) throws {
        let attributes = MessageAttributes(
            uid: UID(9)!, flags: [.seen, .keyword(Keyword("$A")!)], internalDate: DateTime(secondsSinceEpoch: 0),
            byteCount: 100, modSequence: ModSequence(clamping: 7))
        #expect(try plan(text).evaluate(attributes) == verdict)
    }

    @Test func theTextDecidesTheRest() throws {
        let attributes = MessageAttributes(
            uid: UID(9)!, flags: [], internalDate: DateTime(secondsSinceEpoch: 0), byteCount: message.count,
            modSequence: ModSequence(clamping: 7))
        for (text, expected) in [
            ("SUBJECT HI", true), ("BODY two", true), ("NOT BODY two", false), ("OR SUBJECT no BODY one", true),
            ("TEXT mixed FROM a@b", true), ("HEADER Subject \"\"", true), ("HEADER X-None \"\"", false),
        ] {
            let plan = try plan(text)
            #expect(plan.evaluate(attributes) == .undecided)
            let answers = MessageTextSearch.search(message, program: plan.program)
            #expect(plan.matches(attributes, answers: answers) == expected, "\(text)")
        }
    }

    @Test func theProgramAsksEachQuestionOnceAndKnowsWhatItNeeds() throws {
        #expect(try plan("SUBJECT a OR SUBJECT a SUBJECT b").program.tests.count == 2)
        #expect(try plan("SUBJECT a SENTON 1-Jan-2024").needsOnlyHeader)
        #expect(try !plan("BODY a").needsOnlyHeader)
        #expect(try plan("SEEN UID 1").needsNoText)
    }
}
