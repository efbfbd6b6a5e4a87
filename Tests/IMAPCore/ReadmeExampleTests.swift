// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

@Suite("README")
struct ReadmeExampleTests {
    @Test func theExampleForThisKitDoesWhatItSays() {
        let mail = Array("From: Ann <ann@example.org>\r\nSubject: Hi\r\n\r\nHello.\r\n".utf8)
        let structure = MessageScanner.scan(mail)
        var response: [UInt8] = []
        structure.appendEnvelope(to: &response)
        structure.appendBodyStructure(to: &response, extensible: false)
        let text = String(decoding: response, as: UTF8.self)
        #expect(text.contains("\"Hi\"") && text.contains("\"TEXT\" \"PLAIN\""))

        guard case .range(let range) = structure.content(of: SectionPath(parts: [], kind: .text)) else {
            Issue.record("the text of a plain message is a range")
            return
        }
        #expect(String(decoding: mail[range], as: UTF8.self) == "Hello.\r\n")
    }
}
