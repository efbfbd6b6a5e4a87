// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import LiveTestSupport
import NodeSupport
import Testing
@testable import UserDatabase

/// Defect D8 of the original: SQL built from what clients send, one connection shared by all, and TLS without a name.
@Suite(LivePostgres(), .timeLimit(.minutes(10))) struct OriginalDatabaseDefectTests {
    @Test func d8WhatAClientSendsIsNeverPartOfAStatement() async throws {
        let odd = "o'brien\"; DROP TABLE users; --"
        let rows = UserTable.insert([
            (1, "alice", UserTable.sha512("wonderland")), (2, odd, UserTable.sha512("it's")),
        ])
        try await UserTable.with(rows: rows) { table in
            let injections = [
                "' OR '1'='1", "' OR 1=1 --", "alice' --", "alice'--", "alice'; DROP TABLE users; --", "alice'/*",
                "' UNION SELECT 1, 'alice', '{PLAIN}x' --", "\\' OR 1=1 --", "alice\u{0}", "alice\u{0}' OR '1'='1",
                "$1", "%", "_lice", "alice ", "ALICE", "\u{2019} OR \u{2019}1\u{2019}=\u{2019}1", "alice'||'",
                "\"alice\"",
                "alice\\", "\u{FF07}", "{PLAIN}alice", "NULL", "",
            ]
            for text in injections {
                #expect(await table.login(text, "wonderland") == .rejected, "\(text)")
                #expect(await table.login(text, text) == .rejected, "\(text)")
                #expect(await table.login("alice", text) == .rejected, "\(text)")
            }
            #expect(await table.accepts("alice", "wonderland", id: 1))
            #expect(await table.accepts(odd, "it's", id: 2))
            let rowCount = try table.server.sql("SELECT count(*) FROM users", database: table.name)
            #expect(rowCount == "2")
            #expect(!table.log.text.contains("refused the question"), "\(table.log.text)")
        }
    }

    @Test func d8LoginsAtTheSameTimeNeverGetEachOthersAnswers() async throws {
        let users = (1...100).map { ($0, "user\($0)", UserTable.sha512("password\($0)")) }
        try await UserTable.with(rows: UserTable.insert(users)) {
            $0.limits.connections = 3
            $0.limits.waiting = 1_000
        } _: { table in
            let wrong = await withTaskGroup(of: String?.self) { group in
                for round in 0..<8 {
                    for number in 1...100 {
                        let isRight = (round + number) % 2 == 0
                        let password = "password\(isRight ? number : number % 100 + 1)"
                        group.addTask {
                            let outcome = await table.login("user\(number)", password)
                            let expected: AuthenticationOutcome =
                                if isRight, let name = UserName(validating: "user\(number)") {
                                    .accepted(AuthenticatedUser(name: name, id: UserID(rawValue: Int64(number))))
                                } else {
                                    .rejected
                                }
                            return outcome == expected ? nil : "user\(number) \(password): \(outcome)"
                        }
                    }
                }
                return await group.reduce(into: [String?]()) { $0.append($1) }.compactMap(\.self)
            }
            #expect(wrong.isEmpty, "\(wrong.prefix(5)) \(table.log.text.prefix(2_000))")
            let connections = try table.server.sql(
                "SELECT count(*) FROM pg_stat_activity WHERE usename = '\(table.name)'")
            #expect((1...3).contains(Int(connections) ?? 0), "\(connections)")
        }
    }

    @Test func d8TLSChecksTheServersNameAndAuthority() async throws {
        let name = try UserTable.make(rows: UserTable.insert([(7, "alice", UserTable.sha512("x"))]))
        let server = try LivePostgres.server
        // The right name and authority: encrypted, as the server sees it.
        try await UserTable.with(UserTable(name)) { table in
            #expect(await table.accepts("alice", "x", id: 7))
            let open = try server.sql(
                "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = '\(name)'")
            #expect(open == "t")
            #expect(table.log.text.contains("encrypted=true"))
        }
        // The same server under an address that its certificate does not name.
        try await UserTable.with(UserTable(name) { ($0.host, $0.limits.lookupMilliseconds) = ("127.0.0.2", 500) }) {
            table in
            #expect(await table.login("alice", "x") == .unavailable(DatabaseAuthenticator.unavailable))
            #expect(table.log.text.contains("127.0.0.2"), "\(table.log.text)")
        }
        // An authority that did not sign it.
        let folder = try TemporaryDirectory("other-authority")
        let other = try CertificateStore.loadOrCreate(directory: folder.file("tls"), hosts: ["127.0.0.1"])
        let wrong = try UserTable(name) {
            $0.tls = .verified(authorityPath: other.authorityPath)
            $0.limits.lookupMilliseconds = 500
        }
        try await UserTable.with(wrong) { table in
            #expect(await table.login("alice", "x") == .unavailable(DatabaseAuthenticator.unavailable))
            #expect(table.log.text.contains("certificate verify failed"), "\(table.log.text)")
        }
        // Without TLS this server lets nobody in; nothing falls back to that by itself.
        try await UserTable.with(UserTable(name) { ($0.tls, $0.limits.lookupMilliseconds) = (.disabled, 500) }) {
            table in
            #expect(await table.login("alice", "x") == .unavailable(DatabaseAuthenticator.unavailable))
            #expect(table.log.text.contains("no encryption"), "\(table.log.text)")
        }
    }
}
