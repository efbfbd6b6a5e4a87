// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import LiveTestSupport
import NodeSupport
import Testing
@testable import UserDatabase

/// A server that goes away, comes back, or does not answer. The tests stop the server, so they take turns.
@Suite(LivePostgres(), .serialized, .timeLimit(.minutes(10))) struct UserDatabaseAvailabilityTests {
    private static let unavailable = AuthenticationOutcome.unavailable(DatabaseAuthenticator.unavailable)
    private static let rows = UserTable.insert([(1, "alice", UserTable.sha512("x"))])
    /// A table whose rows never come.
    private static let stuck =
        "CREATE VIEW users AS SELECT 1 AS id, 'alice'::text AS username, pg_sleep(600)::text AS password;"

    @Test func loginsWorkAgainAfterTheServerWasRestarted() async throws {
        try await UserTable.with(rows: Self.rows) {
            $0.limits.longestPauseMilliseconds = 500
        } _: { table in
            #expect(await table.accepts("alice", "x", id: 1))
            try table.server.stop()
            for _ in 0..<3 { #expect(await table.login("alice", "x") == Self.unavailable) }
            try table.server.start()
            // The pause between attempts is shorter than what a login may wait: the first one already works.
            #expect(await table.accepts("alice", "x", id: 1))
            #expect(table.log.lines.count { $0.contains("no connection to the user database") } <= 4)
        }
    }

    @Test func startsWhileTheServerIsDown() async throws {
        let name = try UserTable.make(rows: Self.rows)
        let server = try LivePostgres.server
        try server.stop()
        try await UserTable.with(UserTable(name)) { table in
            #expect(await table.login("alice", "x") == Self.unavailable)
            try server.start()
            #expect(await table.accepts("alice", "x", id: 1))
        }
    }

    @Test func aQuestionThatMeetsADeadConnectionIsAskedAgain() async throws {
        try await UserTable.with(rows: Self.rows) {
            $0.limits.connections = 2
        } _: { table in
            for _ in 0..<10 {
                #expect(await table.accepts("alice", "x", id: 1))
                try table.server.sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '\(table.name)'")
                #expect(await table.accepts("alice", "x", id: 1))
            }
        }
    }

    @Test func aStatementThatTakesTooLongIsGivenUpByTheServer() async throws {
        try await UserTable.with(definition: Self.stuck) {
            $0.limits.statementMilliseconds = 200
            $0.limits.lookupMilliseconds = 60_000
        } _: { table in
            #expect(await table.login("alice", "x") == Self.unavailable)
            #expect(table.log.text.contains("in time") || table.log.text.contains("statement timeout"))
        }
    }

    @Test func everyLoginIsAnsweredInTimeEvenWhenNothingComesBack() async throws {
        try await UserTable.with(definition: Self.stuck) {
            $0.limits.connections = 1
            $0.limits.waiting = 4
            $0.limits.statementMilliseconds = 600_000
            $0.limits.lookupMilliseconds = 500
        } _: { table in
            let outcomes = await withTaskGroup(of: AuthenticationOutcome.self) { group in
                for _ in 0..<20 { group.addTask { await table.login("alice", "x") } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.allSatisfy { $0 == Self.unavailable } && outcomes.count == 20)
            #expect(table.log.text.contains("too many logins are waiting"), "\(table.log.text)")
            #expect(table.log.text.contains("did not answer in time"), "\(table.log.text)")
        }
    }

    @Test func aServerThatAcceptsButSaysNothingIsGivenUp() async throws {
        let silent = try SilentListener()
        let name = try UserTable.make(rows: Self.rows)
        let table = try UserTable(name) {
            $0.host = "127.0.0.1"
            $0.port = silent.port
            $0.limits.connectMilliseconds = 100
            $0.limits.lookupMilliseconds = 300
        }
        try await UserTable.with(table) { table in
            #expect(await table.login("alice", "x") == Self.unavailable)
            #expect(table.log.text.contains("did not accept the connection in time"), "\(table.log.text)")
            #expect(table.metrics.contains("pluto_user_database_connects_total{outcome=\"failed\"}"))
        }
    }

    @Test func closingAnswersWhatWaitsAndEndsTheConnections() async throws {
        let name = try UserTable.make(definition: Self.stuck)
        let table = try UserTable(name) {
            $0.limits.connections = 1
            $0.limits.statementMilliseconds = 600_000
            $0.limits.lookupMilliseconds = 600_000
        }
        await withTaskGroup(of: AuthenticationOutcome.self) { group in
            for _ in 0..<5 { group.addTask { await table.login("alice", "x") } }
            // One question is at the server when its connection is counted.
            while !table.metrics.contains("pluto_user_database_connections 1\n") { await Task.yield() }
            await table.close()
            for await outcome in group { #expect(outcome == Self.unavailable) }
        }
        #expect(await table.login("alice", "x") == Self.unavailable)
        #expect(table.metrics.contains("pluto_user_database_connections 0\n"))
        await table.close()
    }
}
