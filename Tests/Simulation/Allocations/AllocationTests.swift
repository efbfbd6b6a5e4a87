// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import AllocationCounter
import CRDTKit
import Testing

/// What an operation may allocate on its way from a command to a peer's state.
@Suite("Allocations of the replicated data type", .enabled(if: allocationsAreCounted()))
struct AllocationTests {
    /// A ceiling, with what was measured when it was set, in allocations for a thousand operations in frames of 1,024.
    struct Ceiling: CustomTestStringConvertible {
        let stage: CountedGroup.Stage
        let kind: CountedGroup.Kind
        let optimised: (measured: Double, ceiling: Double)
        let debug: (measured: Double, ceiling: Double)

        var step: CountedGroup.Step { CountedGroup.Step(stage: stage, kind: kind) }

        var ceiling: Double {
            #if DEBUG
            debug.ceiling
            #else
            optimised.ceiling
            #endif
        }

        var testDescription: String { "\(stage) \(kind)" }

        init(
            _ stage: CountedGroup.Stage, _ kind: CountedGroup.Kind, optimised: (Double, Double), debug: (Double, Double)
        ) {
            (self.stage, self.kind, self.optimised, self.debug) = (stage, kind, optimised, debug)
        }
    }

    static let ceilings = [
        Ceiling(.generate, .append, optimised: (0, 0), debug: (0, 0)),
        Ceiling(.generate, .store, optimised: (0, 0), debug: (0, 0)),
        Ceiling(.generate, .expunge, optimised: (0, 0), debug: (0, 0)),
        Ceiling(.encode, .append, optimised: (0, 0), debug: (0, 0)),
        Ceiling(.encode, .store, optimised: (0, 0), debug: (0, 0)),
        Ceiling(.encode, .expunge, optimised: (0, 0), debug: (0, 0)),
        Ceiling(.decode, .append, optimised: (0, 0), debug: (0, 0)),
        Ceiling(.decode, .store, optimised: (0, 0), debug: (0, 0)),
        Ceiling(.decode, .expunge, optimised: (0, 0), debug: (0, 0)),
        Ceiling(.apply, .append, optimised: (0, 0), debug: (0, 0)),
        Ceiling(.apply, .store, optimised: (0, 0), debug: (0, 0)),
        Ceiling(.apply, .expunge, optimised: (0, 0), debug: (0, 0)),
    ]

    @Test func everyStepOfAnOperationStaysBelowItsCeiling() throws {
        let group = try CountedGroup()
        try group.measure(warmUps: 4, rounds: 12)
        #expect(Self.ceilings.map(\.step) == CountedGroup.allSteps)
        for ceiling in Self.ceilings {
            let perThousand = group.perOperation(ceiling.step) * 1_000
            print("allocations of 1,000 operations: \(ceiling.testDescription): \(perThousand)")
            #expect(perThousand <= ceiling.ceiling, "\(ceiling.testDescription)")
            // A frame is at least one piece of memory for who makes it and for who takes it apart.
            if ceiling.stage == .encode || ceiling.stage == .decode { #expect(perThousand > 0.9) }
        }
    }
}
