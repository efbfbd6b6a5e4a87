// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore
import Testing

@Suite("Login, TLS and states")
struct SessionStateTests {
    private func opened(
        tls: Bool, _ configure: (inout SessionConfiguration) -> Void = { _ in }
    ) -> ModelShell {
        var configuration = SessionConfiguration()
        configure(&configuration)
        let shell = ModelShell(ModelStore(), tls: tls, configuration: configuration)
        shell.open()
        return shell
    }

    @Test func withoutTLSNoCredentialsAreTaken() {
        let shell = opened(tls: false)
        #expect(shell.lines()[0].contains("STARTTLS LOGINDISABLED"))
        #expect(!shell.lines()[0].contains("AUTH=PLAIN"))
        #expect(shell.line("a LOGIN user secret") == ["a NO [PRIVACYREQUIRED] Credentials are only taken over TLS"])
        #expect(shell.line("b AUTHENTICATE PLAIN")[0].hasPrefix("b NO [PRIVACYREQUIRED]"))
        #expect(shell.line("c AUTHENTICATE PLAIN AHVzZXIAc2VjcmV0")[0].hasPrefix("c NO [PRIVACYREQUIRED]"))
        #expect(shell.requests.isEmpty)
    }

    @Test func insecureLoginCanBeAllowed() {
        let shell = opened(tls: false) { $0.allowsInsecureAuthentication = true }
        #expect(shell.lines()[0].contains("STARTTLS AUTH=PLAIN"))
        #expect(shell.line("a LOGIN user secret")[0].hasPrefix("a OK"))
    }

    /// The command injection of CVE-2011-0411: what follows STARTTLS in the clear is never carried out.
    @Test(arguments: 0..<3)
    func plaintextBehindSTARTTLSIsDropped(shape: Int) {
        let shell = opened(tls: false)
        let injected = "b LOGIN user secret\r\nc CREATE evil\r\n"
        switch shape {
        case 0: shell.feed("a STARTTLS\r\n" + injected)
        case 1:
            shell.feed("a STARTTLS\r\n")
            shell.feed(injected)
        default: shell.feed("a STARTTLS\r\nb LOG")
        }
        #expect(shell.wantsTLS)
        #expect(shell.lines().last == "a OK STARTTLS completed")
        shell.machine.tlsEstablished()
        shell.drain()
        #expect(shell.requests.isEmpty)
        let lines = shell.line("d CAPABILITY")
        #expect(lines[0].contains("AUTH=PLAIN") && !lines[0].contains("STARTTLS"))
        #expect(lines.last == "d OK CAPABILITY completed")
        #expect(shell.line("e STARTTLS")[0].hasPrefix("e BAD"))
        #expect(shell.line("f LOGIN user secret")[0].hasPrefix("f OK"))
    }

    @Test func startTLSIsRefusedWhereItIsNotOffered() {
        #expect(opened(tls: true).line("a STARTTLS") == ["a BAD TLS is active already."])
        let shell = opened(tls: false) { $0.offersStartTLS = false }
        #expect(!shell.lines()[0].contains("STARTTLS"))
        #expect(shell.line("a STARTTLS") == ["a BAD STARTTLS is not offered."])
    }

    @Test(arguments: [
        ("AHVzZXIAc2VjcmV0", "a OK"), ("dXNlcgB1c2VyAHNlY3JldA==", "a OK"),
        ("cm9vdAB1c2VyAHNlY3JldA==", "a NO [AUTHORIZATIONFAILED]"), ("AHVzZXIAd3Jvbmc=", "a NO [AUTHENTICATIONFAILED]"),
        ("=", "a BAD"), ("dXNlcg==", "a BAD"), ("AABzZWNyZXQ=", "a BAD"), ("!!!", "a BAD"),
    ])
    func plainIsCheckedWithAndWithoutAnInitialResponse(response: String, answer: String) {
        let direct = opened(tls: true).line("a AUTHENTICATE PLAIN \(response)")
        #expect(direct[0].hasPrefix(answer))
        let shell = opened(tls: true)
        shell.line("a AUTHENTICATE PLAIN")
        let lines = shell.line(response == "=" ? "" : response)
        #expect(lines[0].hasPrefix(answer))
        #expect(shell.line("b NOOP") == ["b OK NOOP completed"])
    }

    @Test func otherMechanismsAndFailuresOfTheStoreAreNO() {
        let shell = opened(tls: true)
        #expect(shell.line("a AUTHENTICATE CRAM-MD5")[0].hasPrefix("a NO [CANNOT]"))
        shell.authenticationReply = .authenticationUnavailable("The directory is down")
        #expect(shell.line("b LOGIN user secret") == ["b NO [UNAVAILABLE] The directory is down"])
    }

    @Test func failedLoginsEndTheSession() {
        let shell = opened(tls: true) { $0.limits.failedLogins = 3 }
        for _ in 0..<2 { shell.line("a LOGIN user wrong") }
        #expect(!shell.isClosed)
        #expect(shell.line("a LOGIN user wrong").last == "* BYE Too many failed logins")
        #expect(shell.isClosed)
    }

    @Test func noDirectiveOrMetricShowsACredential() {
        let shell = opened(tls: true)
        shell.line("a LOGIN someone hunter2")
        shell.line("b AUTHENTICATE PLAIN AHNvbWVvbmUAaHVudGVyMg==")
        #expect(!shell.requests.map { "\($0)" }.joined().contains("hunter2"))
        #expect(shell.finished == ["LOGIN NO", "AUTHENTICATE NO"])
    }

    private static let samples: [(String, Set<SessionState>)] = [
        ("CAPABILITY", [.notAuthenticated, .authenticated, .selected]),
        ("NOOP", [.notAuthenticated, .authenticated, .selected]),
        ("ID NIL", [.notAuthenticated, .authenticated, .selected]),
        ("LOGOUT", [.notAuthenticated, .authenticated, .selected]),
        ("LOGIN user secret", [.notAuthenticated]), ("AUTHENTICATE PLAIN AHVzZXIAc2VjcmV0", [.notAuthenticated]),
        ("ENABLE X", [.authenticated, .selected]), ("NAMESPACE", [.authenticated, .selected]),
        ("SELECT INBOX", [.authenticated, .selected]), ("EXAMINE INBOX", [.authenticated, .selected]),
        ("CREATE new", [.authenticated, .selected]), ("DELETE Work", [.authenticated, .selected]),
        ("RENAME Work Play", [.authenticated, .selected]), ("SUBSCRIBE Work", [.authenticated, .selected]),
        ("UNSUBSCRIBE Work", [.authenticated, .selected]), ("LIST \"\" *", [.authenticated, .selected]),
        ("LSUB \"\" *", [.authenticated, .selected]), ("STATUS INBOX (MESSAGES)", [.authenticated, .selected]),
        ("APPEND INBOX {1+}\r\nx", [.authenticated, .selected]), ("IDLE\r\nDONE", [.authenticated, .selected]),
        ("CHECK", [.selected]), ("CLOSE", [.selected]), ("UNSELECT", [.selected]), ("EXPUNGE", [.selected]),
        ("UID EXPUNGE 1", [.selected]), ("SEARCH ALL", [.selected]), ("UID SEARCH ALL", [.selected]),
        ("FETCH 1 FLAGS", [.selected]), ("UID FETCH 1 FLAGS", [.selected]), ("STORE 1 FLAGS ()", [.selected]),
        ("UID STORE 1 FLAGS ()", [.selected]), ("COPY 1 Work", [.selected]), ("UID COPY 1 Work", [.selected]),
        ("MOVE 1 Work", [.selected]), ("UID MOVE 1 Work", [.selected]),
    ]

    @Test(arguments: samples.indices, [SessionState.notAuthenticated, .authenticated, .selected])
    func everyCommandWorksInItsStatesAndIsBADInTheOthers(index: Int, state: SessionState) {
        let (command, states) = Self.samples[index]
        let store = ModelStore(["INBOX", "Work"])
        store.append(.inbox)
        let shell = ModelShell(store)
        shell.open()
        if state != .notAuthenticated { shell.line("l LOGIN user secret") }
        if state == .selected { shell.line("s SELECT INBOX") }
        #expect(shell.state == state)
        let lines = shell.line("t " + command)
        let tagged = lines.filter { $0.hasPrefix("t ") }
        #expect(tagged.count == 1)
        #expect(tagged.first?.hasPrefix(states.contains(state) ? "t OK" : "t BAD") == true, "\(lines)")
        if !shell.isClosed { #expect(shell.line("z NOOP").last == "z OK NOOP completed") }
    }

    @Test func capabilitiesChangeWithTheState() {
        let shell = opened(tls: true) { $0.limits.afterAuthentication.appendLiteralBytes = 1000 }
        shell.line("a LOGIN user secret")
        let line = shell.line("b CAPABILITY")[0]
        #expect(!line.contains("AUTH=") && !line.contains("LOGINDISABLED"))
        #expect(line.hasSuffix("APPENDLIMIT=1000"))
    }

    @Test func identificationAnswersWhatIsConfigured() {
        let shell = opened(tls: true) {
            $0.identification = [IDField(name: Array("name".utf8), value: Array("Kuiper".utf8))]
        }
        #expect(shell.line("a ID NIL") == ["* ID (\"name\" \"Kuiper\")", "a OK ID completed"])
    }
}
