// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import NodeSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct FileAuthenticatorTests {
    private func hash(_ password: String, logRounds: Int = 2) throws -> String {
        let parameters = try PasswordHash.Parameters(logRounds: logRounds, blockSize: 1, parallelism: 1)
        return try PasswordHash.make(password: Array(password.utf8), parameters: parameters).text
    }

    private func withAuthenticator(
        _ users: String, limits: PasswordVerifier.Limits = .init(),
        _ body: (FileAuthenticator, PasswordVerifier) async throws -> Void
    ) async throws {
        let verifier = PasswordVerifier(limits: limits)
        do {
            let directory = try UserDirectory(parsing: Array(users.utf8), file: "users")
            try await body(try FileAuthenticator(directory: directory, verifier: verifier), verifier)
        } catch {
            await verifier.close()
            throw error
        }
        await verifier.close()
    }

    private func ask(_ authenticator: FileAuthenticator, _ user: String, _ password: String) async
        -> AuthenticationOutcome
    {
        await authenticator.authenticate(user: user, password: Array(password.utf8), client: "192.0.2.1")
    }

    private func accepts(_ authenticator: FileAuthenticator, _ user: String, _ password: String) async -> Bool {
        guard case .accepted(let name) = await ask(authenticator, user, password) else { return false }
        return name.value == user
    }

    @Test(arguments: [true, false])
    func decidesOnPlainAndHashedPasswords(alsoHashes: Bool) async throws {
        let users = "alice;secret\nbob;{PLAIN}{x}\n" + (alsoHashes ? "carol;\(try hash("third"))\n" : "")
        try await withAuthenticator(users) { authenticator, _ in
            #expect(await accepts(authenticator, "alice", "secret"))
            #expect(await accepts(authenticator, "bob", "{x}"))
            for (user, password) in [
                ("alice", "Secret"), ("alice", ""), ("alice", "secret "), ("Alice", "secret"), ("", ""),
                ("dave", "secret"),
                ("alice", "{x}"), ("bob", "{PLAIN}{x}"), ("carol", "secret"), ("alice\u{0}", "secret"),
                (" alice", "secret"),
                ("alice", String(repeating: "x", count: 5_000)), (String(repeating: "u", count: 100_000), "secret"),
            ] {
                #expect(await ask(authenticator, user, password) == .rejected)
            }
            if alsoHashes {
                #expect(await accepts(authenticator, "carol", "third"))
                #expect(await ask(authenticator, "carol", "fourth") == .rejected)
            }
        }
    }

    @Test func aHashIsNotAPassword() async throws {
        let text = try hash("real")
        try await withAuthenticator("alice;\(text)") { authenticator, _ in
            #expect(await ask(authenticator, "alice", text) == .rejected)
            #expect(await accepts(authenticator, "alice", "real"))
        }
    }

    @Test func givesTheNameAsTheDirectorySpellsIt() async throws {
        try await withAuthenticator("Jos\u{E9};x") { authenticator, _ in
            guard case .accepted(let name) = await ask(authenticator, "Jose\u{301}", "x") else {
                Issue.record("rejected")
                return
            }
            #expect(Array(name.value.unicodeScalars) == Array("Jos\u{E9}".unicodeScalars))
        }
    }

    @Test func unknownUsersCostAsMuchAsTheDearestHash() async throws {
        try await withAuthenticator("a;\(try hash("x", logRounds: 3))\nb;\(try hash("x", logRounds: 5))\nc;plain") {
            authenticator, _ in
            #expect(authenticator.unknownHash?.parameters.logRounds == 5)
        }
        try await withAuthenticator("c;plain") { authenticator, _ in #expect(authenticator.unknownHash == nil) }
    }

    @Test func manyAttemptsAtATimeAreAllAnswered() async throws {
        try await withAuthenticator("a;\(try hash("x", logRounds: 8))") { authenticator, _ in
            let outcomes = await withTaskGroup(of: AuthenticationOutcome.self) { group in
                for index in 0..<40 {
                    group.addTask {
                        await authenticator.authenticate(
                            user: "a", password: [index % 2 == 0 ? 0x78 : 0x79], client: "")
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.count { $0 == .rejected } == 20)
            #expect(outcomes.count { $0 == .accepted(try! UserName("a")) } == 20)
        }
    }

    @Test func aFullQueueAnswersUnavailable() async throws {
        var limits = PasswordVerifier.Limits()
        limits.maximumConcurrent = 1
        limits.maximumWaiting = 0
        try await withAuthenticator("a;\(try hash("x", logRounds: 12))", limits: limits) { authenticator, _ in
            let outcomes = await withTaskGroup(of: AuthenticationOutcome.self) { group in
                for _ in 0..<40 {
                    group.addTask { await authenticator.authenticate(user: "a", password: [0x78], client: "") }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            let accepted = outcomes.count { $0 == .accepted(try! UserName("a")) }
            let unavailable = outcomes.count { if case .unavailable = $0 { true } else { false } }
            #expect(accepted >= 1)
            #expect(accepted + unavailable == 40)
        }
    }

    @Test func afterClosingItIsUnavailable() async throws {
        try await withAuthenticator("a;\(try hash("x"))") { authenticator, verifier in
            await verifier.close()
            guard case .unavailable(let reason) = await ask(authenticator, "a", "x") else {
                Issue.record("answered")
                return
            }
            #expect(reason.contains("try again"))
        }
    }
}
