// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import AllocationCounter
import Testing

/// What the server allocates for the commands that clients give most: TLS, parser, session, store and log together.
@Suite("Allocations of the IMAP server", .enabled(if: allocationsAreCounted()), .timeLimit(.minutes(10)))
struct AllocationTests {
    /// A ceiling in allocations for one command, a third above what was measured in a debug build, which is what `make test` makes.
    struct Ceiling {
        let name: String
        let script: [String]
        let measured: Double
        let ceiling: Double
    }

    static let ceilings = [
        Ceiling(
            name: "STORE", script: ["STORE 1 +FLAGS (\\Seen)", "STORE 1 -FLAGS (\\Seen)"], measured: 299, ceiling: 390),
        Ceiling(name: "FETCH FLAGS", script: ["FETCH 1 (FLAGS)"], measured: 195, ceiling: 255),
    ]

    /// In a process of its own: in this one other tests allocate too.
    @Test func aCommandStaysBelowItsCeiling() async throws {
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            let server = try await TestServer()
            let counts = try await CountedSession.count(Self.ceilings.map(\.script), at: server)
            for (ceiling, count) in zip(Self.ceilings, counts) {
                print(
                    "allocations of one command: \(ceiling.name): \(count), \(ceiling.measured) when the ceiling was set"
                )
                #expect(count > 0)
                #expect(count <= ceiling.ceiling, "\(ceiling.name): \(count), at most \(ceiling.ceiling)")
            }
            try await server.tearDown()
        }
        print(String(decoding: result?.standardOutputContent ?? [], as: UTF8.self), terminator: "")
    }
}
