// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

@Suite("Examples of the documentation")
struct DocumentationExampleTests {
    /// The example of the landing page, word for word.
    @Test func theLandingPageSpeaksTheTruth() {
        var session = SessionMachine(configuration: SessionConfiguration(), isTLSActive: true)
        session.open()
        session.receive(Array("a LOGIN alice wonderland\r\nb NOOP\r\nc LOGOUT\r\n".utf8).span)

        var transcript = ""
        while let directive = session.nextDirective() {
            switch directive {
            case .send(let bytes): transcript += String(decoding: bytes, as: UTF8.self)
            case .request(.authenticate(let user, let password)):
                let isAlice = user == Array("alice".utf8) && password == Secret(Array("wonderland".utf8))
                session.complete(isAlice ? .authenticated : .authenticationFailed)
            case .request(let request):
                if request.expectsReply { session.complete(.refused(Refusal(text: "There is no store"))) }
            case .sendChange, .appendData, .startTLS, .commandFinished, .close, .release, .handOver: break
            }
        }
        let lines = transcript.split(separator: "\r\n")
        #expect(lines.count == 5)
        #expect(lines[1].hasSuffix("Logged in"))
        #expect(lines[2] == "b OK NOOP completed")
        #expect(lines[3] == "* BYE Logging out")
    }
}
