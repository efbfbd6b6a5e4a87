// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import LiveTestSupport
import NodeSupport
import Testing
@testable import UserDatabase

@Suite(LivePostgres(), .timeLimit(.minutes(10))) struct DatabaseAuthenticatorTests {
    private static let unavailable = AuthenticationOutcome.unavailable(DatabaseAuthenticator.unavailable)

    private static func scrypt(_ password: String, logRounds: Int = 2) throws -> String {
        let parameters = try PasswordHash.Parameters(logRounds: logRounds, blockSize: 1, parallelism: 1)
        return try PasswordHash.make(password: Array(password.utf8), parameters: parameters).text
    }

    @Test func decidesOnTheOriginalsValuesAndOnModernHashes() async throws {
        let rows = UserTable.insert([
            (1, "alice", UserTable.sha512("wonderland")), (2, "bob", try Self.scrypt("builder")),
            (3, "carol", "{PLAIN}cipher"), (4, "J\u{F6}rg", UserTable.sha512("p\u{E4}ss")),
            (2_147_483_647, "last", UserTable.sha512("z")), (0, "zero", UserTable.sha512("z")),
        ])
        try await UserTable.with(rows: rows) { table in
            #expect(await table.accepts("alice", "wonderland", id: 1))
            #expect(await table.accepts("bob", "builder", id: 2))
            #expect(await table.accepts("carol", "cipher", id: 3))
            #expect(await table.accepts("J\u{F6}rg", "p\u{E4}ss", id: 4))
            #expect(await table.accepts("last", "z", id: 2_147_483_647))
            #expect(await table.accepts("zero", "z", id: 0))
            for (user, password) in [
                ("alice", "Wonderland"), ("alice", ""), ("bob", "wonderland"), ("dave", "x"),
                ("carol", "{PLAIN}cipher"),
                ("alice", UserTable.sha512("wonderland")), ("alice", String(repeating: "x", count: 5_000)),
                (String(repeating: "u", count: 100_000), "x"),
            ] {
                #expect(await table.login(user, password) == .rejected, "\(user.prefix(20))")
            }
            #expect(table.metrics.contains("pluto_user_database_lookups_total{outcome=\"found\"}"))
            #expect(table.metrics.contains("pluto_user_database_connects_total{outcome=\"connected\"}"))
        }
    }

    @Test func worksOnAUnixSocketWithoutTLS() async throws {
        let rows = UserTable.insert([(1, "alice", UserTable.sha512("x"))])
        let folder = try LivePostgres.server.socketFolder
        try await UserTable.with(rows: rows) {
            $0.host = folder
            $0.tls = .disabled
        } _: { table in
            #expect(await table.accepts("alice", "x", id: 1))
            #expect(table.log.text.contains("encrypted=false"))
        }
    }

    @Test func rowsThatCannotBeUsedLetNobodyInAndAreLoggedWithoutTheirPassword() async throws {
        let bcrypt = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
        let rows =
            UserTable.insert([
                (1, "bare", "hunter2"), (2, "bcrypt", bcrypt), (3, "short", "{SHA512}YQ=="), (4, "empty", ""),
                (5, "twice", UserTable.sha512("a")), (6, "twice", UserTable.sha512("b")), (7, " edge", "{PLAIN}x"),
                (8, "long", "{PLAIN}" + String(repeating: "x", count: 2_000)),
            ]) + "; INSERT INTO users VALUES (9, 'null', NULL), (NULL, 'noid', '{PLAIN}x')"
        try await UserTable.with(rows: rows) { table in
            for (user, password) in [
                ("bare", "hunter2"), ("bcrypt", bcrypt), ("short", "a"), ("short", "YQ=="), ("empty", ""),
                ("null", ""), ("null", "NULL"), (" edge", "x"), ("long", String(repeating: "x", count: 1_024)),
                ("long", String(repeating: "x", count: 2_000)),
            ] {
                #expect(await table.login(user, password) == .rejected, "\(user)")
            }
            #expect(await table.login("twice", "a") == Self.unavailable)
            #expect(await table.login("noid", "x") == Self.unavailable)
            let log = table.log.text
            for expected in ["id=1 ", "id=2 ", "id=3 ", "ids 5 and 6", "no number as its id"] {
                #expect(log.contains(expected), "\(expected) in \(log)")
            }
            #expect(!log.contains("hunter2") && !log.contains(bcrypt) && !log.contains("xxxx"))
        }
    }

    @Test func unknownUsersCostAsMuchAsTheDearestHashOfTheTable() async throws {
        let rows = UserTable.insert([
            (1, "a", UserTable.sha512("x")), (2, "b", try Self.scrypt("x", logRounds: 3)),
        ])
        try await UserTable.with(rows: rows) { table in
            #expect(table.authenticator.dearestParameters == nil)
            #expect(await table.login("nobody", "x") == .rejected)
            #expect(table.authenticator.dearestParameters?.logRounds == 3)
            try table.server.sql(
                UserTable.insert([(3, "c", try Self.scrypt("x", logRounds: 5))]), database: table.name)
            #expect(await table.accepts("c", "x", id: 3))
            #expect(await table.accepts("b", "x", id: 2))
            #expect(table.authenticator.dearestParameters?.logRounds == 5)
        }
    }

    @Test func noSecretIsInLogsOrErrors() async throws {
        let rows = UserTable.insert([(1, "alice", UserTable.sha512("client-password"))])
        let name = try UserTable.make(rows: rows)
        let wrong = UserTable.rolePassword + "-wrong"
        try await UserTable.with(
            UserTable(name) {
                ($0.credential, $0.limits.lookupMilliseconds) = (.text(Redacted(wrong)), 500)
            }
        ) { table in
            #expect(await table.login("alice", "client-password") == Self.unavailable)
            #expect(await table.login("alice", "client-password") == Self.unavailable)
            #expect(table.log.text.contains("password authentication failed"), "\(table.log.text)")
            #expect(!table.log.text.contains(UserTable.rolePassword) && !table.log.text.contains("client-password"))
            var dumped = ""
            dump(table.database.configuration, to: &dumped)
            #expect(!dumped.contains(wrong))
        }
        #expect(
            PostgresConnection.oneLine("it said: secret\n\tline", hiding: "secret") == "it said: <redacted>; line")
    }

    @Test func aPasswordFileIsReadForEveryConnection() async throws {
        let folder = try TemporaryDirectory("password")
        let file = try folder.write("file", "not the password\n")
        let name = try UserTable.make(rows: UserTable.insert([(1, "alice", UserTable.sha512("x"))]))
        try await UserTable.with(
            UserTable(name) {
                ($0.credential, $0.limits.longestPauseMilliseconds) = (.file(path: file), 100)
            }
        ) { table in
            #expect(await table.login("alice", "x") == Self.unavailable)
            try folder.write("file", UserTable.rolePassword + "\r\nwhat follows is ignored\n")
            #expect(await table.accepts("alice", "x", id: 1))
        }
        for (text, isThere) in [("", true), ("\n", true), ("x", false)] {
            let path = isThere ? try folder.write("bad", text) : folder.file("none")
            #expect(throws: NodeError.self) {
                try UserTable(name) { $0.credential = .file(path: path) }
            }
        }
    }

    @Test func authoritiesThatCannotBeReadAreAnErrorAtTheStart() async throws {
        let name = try UserTable.make()
        let error = #expect(throws: NodeError.self) {
            try UserTable(name) { $0.tls = .verified(authorityPath: "/does/not/exist.pem") }
        }
        #expect(error?.code == .userDatabaseUnusable)
        #expect(error?.message.contains("/does/not/exist.pem") == true)
    }

    @Test func aTableThatIsNotThereIsReportedAndUnavailable() async throws {
        let name = try UserTable.make(definition: UserTable.table + "ALTER TABLE users DROP COLUMN password;")
        try await UserTable.with(UserTable(name)) { table in
            #expect(await table.login("alice", "x") == Self.unavailable)
            #expect(table.log.text.contains("column \"password\" does not exist (42703)"), "\(table.log.text)")
        }
    }
}
