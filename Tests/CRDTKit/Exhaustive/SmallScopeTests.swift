// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import CRDTKit

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

@Suite("Exhaustive small scope")
struct SmallScopeTests {
    @Test("3 replicas, 3 operations on 1 folder: every state is right")
    func threeOperationsOnOneFolder() {
        let result = SmallScope(replicas: 3, operations: 3, folders: 1).explore()
        #expect(result.violations == 0, "\(result.example)")
        // Exactly the states that an independent check of the design counted: nothing is left out.
        #expect(result.states == 82_516)
    }

    @Test("3 replicas, 3 operations on 2 folders: every state is right")
    func threeOperationsOnTwoFolders() {
        let result = SmallScope(replicas: 3, operations: Effort.isFull ? 3 : 2, folders: 2).explore()
        #expect(result.violations == 0, "\(result.example)")
        if Effort.isFull { #expect(result.states == 573_937) }
    }

    @Test("Each mutant is caught", arguments: SmallScope.Mutant.allCases)
    func eachMutantIsCaught(_ mutant: SmallScope.Mutant) {
        let result = SmallScope(replicas: 3, operations: 3, folders: 1, mutant: mutant).explore(atMost: 20_000)
        #expect(result.violations > 10)
        #expect(result.firstViolation ?? .max < 10_000)
        print(
            "\(mutant): caught in \(result.violations) of \(result.states) states, first after \(result.firstViolation ?? 0)"
        )
    }

    /// With KUIPER_EXHAUSTIVE=1 and a release build 3 replicas, 5 million states; else 2 replicas.
    @Test("4 operations on 1 folder: every state is right")
    func fourOperationsOnOneFolder() {
        let isExhaustive = getenv("KUIPER_EXHAUSTIVE") != nil
        let result = SmallScope(replicas: isExhaustive ? 3 : 2, operations: 4, folders: 1).explore()
        #expect(result.violations == 0, "\(result.example)")
        #expect(result.states > (isExhaustive ? 4_000_000 : 60_000))
        print("4 operations: \(result.states) states, \(result.transitions) transitions")
    }
}
