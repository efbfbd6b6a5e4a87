// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

@Suite("Structure of the test mails")
struct MessageStructureFixtureTests {
    @Test func hasEnoughMails() {
        #expect(MailFixtures.names.count >= 30)
    }

    @Test(arguments: MailFixtures.names)
    func givesTheExpectedEnvelopeAndBodyStructure(name: String) throws {
        let structure = MessageScanner.scan(try MailFixtures.message(name))
        let expected = try MailFixtures.expected(name)
        #expect(structure.envelopeText == expected.envelope)
        #expect(structure.bodyText(extensible: true) == expected.bodyStructure)
        #expect(structure.checkInvariants() == [])
    }

    @Test(arguments: MailFixtures.names)
    func givesTheSameStructureForEverySplit(name: String) throws {
        let message = try MailFixtures.message(name)
        let whole = MessageScanner.scan(message)
        for split in 0...message.count {
            var scanner = MessageScanner()
            let first = Array(message[..<split])
            let second = Array(message[split...])
            scanner.consume(first.span)
            scanner.consume(second.span)
            let structure = scanner.finish()
            if structure != whole {
                Issue.record("split at \(split) of \(message.count) gives another structure")
                return
            }
        }
    }

    @Test(arguments: MailFixtures.names)
    func givesTheSameStructureByteByByte(name: String) throws {
        let message = try MailFixtures.message(name)
        var scanner = MessageScanner()
        for byte in message {
            let chunk = [byte]
            scanner.consume(chunk.span)
        }
        let structure = scanner.finish()
        #expect(structure == MessageScanner.scan(message))
    }

    @Test func matchesTheSampleSessionOfRFC3501() throws {
        let structure = MessageScanner.scan(try MailFixtures.message("rfc3501-section8"))
        let plain = #"("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3028 92)"#
        #expect(structure.bodyText(extensible: false) == plain)
        let gray = #"(("Terry Gray" NIL "gray" "cac.washington.edu"))"#
        let copies = #"((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU"))"#
        let subject = #""Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes""#
        let rest = #"((NIL NIL "imap" "cac.washington.edu")) \#(copies) NIL NIL "<B27397-0100000@cac.washington.edu>""#
        #expect(structure.envelopeText == "(\(subject) \(gray) \(gray) \(gray) \(rest))")
    }

    @Test func leavesExtensionDataOutOfBody() throws {
        let structure = MessageScanner.scan(try MailFixtures.message("mixed-attachment"))
        let first = #"("TEXT" "PLAIN" NIL NIL NIL "7BIT" 15 1)"#
        let second =
            #"("APPLICATION" "PDF" ("NAME" "report 2024.pdf") "<pdf1@example.org>" "#
            + #""The yearly \\ \"report\"" "BASE64" 32)"#
        #expect(structure.bodyText(extensible: false) == "(\(first)\(second) \"MIXED\")")
    }

    @Test func knowsFileNames() throws {
        let attachment = MessageScanner.scan(try MailFixtures.message("mixed-attachment"))
        #expect(attachment.part(at: [2])?.fields.fileName.map(mailText) == "report 2024.pdf")
        let extended = MessageScanner.scan(try MailFixtures.message("rfc2231"))
        #expect(extended.root.fields.fileName.map(mailText) == "long name.txt")
        #expect(extended.root.fields.mediaType.parameter(mailOctets("filename")).map(mailText) == "naïve file.txt")
    }

    /// The checker itself must be able to fail: each change of a good structure is a contradiction.
    @Test func reportsBrokenInvariants() throws {
        let good = MessageScanner.scan(try MailFixtures.message("forwarded"))
        #expect(good.checkInvariants().isEmpty)
        let changes: [(inout MessageStructure) -> Void] = [
            { $0.size += 1 },
            { $0.root.header = 1..<$0.root.header.upperBound },
            { $0.root.header = 0..<($0.root.header.upperBound - 1) },
            { $0.root.lineCount = -1 },
            { $0.root.lineCount = $0.size },
            { $0.root.content = .leaf },
            { $0.root.content = .multipart([]) },
            { $0.root.content = .multipart($0.root.children.reversed()) },
            { $0.root.content = .multipart([$0.root]) },
            { structure in
                var parts = structure.root.children
                parts[1].body = parts[1].body.lowerBound..<structure.size
                structure.root.content = .multipart(parts)
            },
        ]
        for (index, change) in changes.enumerated() {
            var broken = good
            change(&broken)
            #expect(!broken.checkInvariants().isEmpty, "change \(index)")
        }
    }
}
