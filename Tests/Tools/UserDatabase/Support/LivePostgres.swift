// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

/// Gives the tests of a suite one PostgreSQL server, which ends with the suite.
struct LivePostgres: SuiteTrait, TestScoping {
    @TaskLocal private static var shared: PostgresServer?

    /// The suite's server.
    static var server: PostgresServer { get throws { try #require(shared) } }

    @concurrent func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        let server = try PostgresServer()
        do { try await Self.$shared.withValue(server) { try await function() } } catch {
            // The first error is the one to tell.
            try? server.stop()
            throw error
        }
        try server.stop()
    }
}
