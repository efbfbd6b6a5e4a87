// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import NodeSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct FileAuthenticatorTests {
    private static let a = AuthenticatedUser(name: UserName(validating: "a")!, id: UserID(rawValue: 1))
    /// The SHA-512 of "abc" (FIPS 180-4's example) in base64.
    private static let abc =
        "3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw=="
    /// The SHA-512 of "abc" and the salt "d", with the salt.
    private static let salted =
        "2AIvIGCtbv0perc9zFNVybIUBUsNF3ahNqZp0mp9OxT3OqDQ6/8Z7jMzaPAWS2QZqW2knj5IF1Pn6Wtxa9zLb2Q="

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
            try await body(FileAuthenticator(directory: directory, verifier: verifier), verifier)
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
        guard case .accepted(let found) = await ask(authenticator, user, password) else { return false }
        return found.name.value == user
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

    @Test(arguments: ["alice;{SHA512}\(abc)", "alice;{sha512}\(abc)", "alice;{SSHA512}\(salted)"])
    func acceptsTheSHA512OfOtherServers(line: String) async throws {
        try await withAuthenticator(line) { authenticator, _ in
            #expect(await accepts(authenticator, "alice", "abc"))
            for wrong in ["abd", "abcd", "", "d", Self.abc] {
                #expect(await ask(authenticator, "alice", wrong) == .rejected)
            }
        }
    }

    @Test func theIDIsTheNumberOfTheLine() async throws {
        try await withAuthenticator("# users\nalice;x\n\nbob;y") { authenticator, _ in
            guard case .accepted(let bob) = await ask(authenticator, "bob", "y") else {
                Issue.record("rejected")
                return
            }
            #expect(bob.id == UserID(rawValue: 4))
        }
    }

    @Test func reloadingTakesNewUsersAndKeepsTheOldOnesWhenTheFileIsBroken() async throws {
        let folder = ScratchFolder()
        try folder.write("users", "alice|x\n")
        let verifier = PasswordVerifier()
        let authenticator = try FileAuthenticator(
            source: .init(path: folder.file("users"), separator: "|"), verifier: verifier)
        #expect(await accepts(authenticator, "alice", "x"))

        try folder.write("users", "bob|y\ncarol|\(try hash("z"))\n")
        #expect(try authenticator.reload() == 2)
        #expect(await ask(authenticator, "alice", "x") == .rejected)
        #expect(await accepts(authenticator, "bob", "y"))
        #expect(await accepts(authenticator, "carol", "z"))
        #expect(authenticator.dearestParameters?.logRounds == 2)

        try folder.write("users", "bob|y\nbroken\n")
        let error = #expect(throws: NodeError.self) { try authenticator.reload() }
        #expect(error?.message.hasPrefix("\(folder.file("users")):2: ") == true)
        try folder.remove("users")
        #expect(throws: NodeError.self) { try authenticator.reload() }
        #expect(authenticator.count == 2)
        #expect(await accepts(authenticator, "bob", "y"))
        await verifier.close()
    }

    @Test func givesTheNameAsTheDirectorySpellsIt() async throws {
        try await withAuthenticator("Jos\u{E9};x") { authenticator, _ in
            guard case .accepted(let user) = await ask(authenticator, "Jose\u{301}", "x") else {
                Issue.record("rejected")
                return
            }
            #expect(Array(user.name.value.unicodeScalars) == Array("Jos\u{E9}".unicodeScalars))
        }
    }

    @Test func unknownUsersCostAsMuchAsTheDearestHash() async throws {
        try await withAuthenticator("a;\(try hash("x", logRounds: 3))\nb;\(try hash("x", logRounds: 5))\nc;plain") {
            authenticator, _ in
            #expect(authenticator.dearestParameters?.logRounds == 5)
        }
        try await withAuthenticator("c;plain") { authenticator, _ in #expect(authenticator.dearestParameters == nil) }
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
            #expect(outcomes.count { $0 == .accepted(Self.a) } == 20)
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
            let accepted = outcomes.count { $0 == .accepted(Self.a) }
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
