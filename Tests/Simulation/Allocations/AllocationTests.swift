// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import AllocationCounter
import CRDTKit
import Testing

/// What an operation may allocate on its way from a command to a peer's state.
@Suite("Allocations of the replicated data type", .enabled(if: allocationsAreCounted()))
struct AllocationTests {
    /// A ceiling, with what was measured when it was set, in allocations for a thousand operations in frames of 1,024.
    struct Ceiling: CustomStringConvertible {
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

        var description: String { "\(stage) \(kind)" }

        init(
            _ stage: CountedGroup.Stage, _ kind: CountedGroup.Kind, optimised: (Double, Double), debug: (Double, Double)
        ) {
            (self.stage, self.kind, self.optimised, self.debug) = (stage, kind, optimised, debug)
        }
    }

    // First what was measured, then the ceiling: two more for a frame. Optimised, each frame allocates a few times and no
    // operation does; what operations allocate in debug builds is the unspecialised standard library's.
    static let ceilings = [
        Ceiling(.generate, .append, optimised: (0, 1), debug: (0, 1)),
        Ceiling(.generate, .store, optimised: (0, 1), debug: (0, 1)),
        Ceiling(.generate, .expunge, optimised: (0, 1), debug: (4_000, 4_010)),
        Ceiling(.encode, .append, optimised: (4.9, 7), debug: (5.9, 8)),
        Ceiling(.encode, .store, optimised: (3.9, 6), debug: (4.9, 7)),
        Ceiling(.encode, .expunge, optimised: (3.9, 6), debug: (4.9, 7)),
        Ceiling(.decode, .append, optimised: (3.0, 5), debug: (3.0, 5)),
        Ceiling(.decode, .store, optimised: (3.0, 5), debug: (3.0, 5)),
        Ceiling(.decode, .expunge, optimised: (3.0, 5), debug: (3.0, 5)),
        Ceiling(.apply, .append, optimised: (1.0, 3), debug: (1_001.0, 1_010)),
        Ceiling(.apply, .store, optimised: (1.0, 3), debug: (1.0, 3)),
        Ceiling(.apply, .expunge, optimised: (1.0, 3), debug: (2_001.0, 2_010)),
    ]

    @Test func everyStepOfAnOperationStaysBelowItsCeiling() throws {
        let group = try CountedGroup()
        try group.measure(warmUps: 4, rounds: 12)
        #expect(Self.ceilings.map(\.step) == CountedGroup.allSteps)
        for ceiling in Self.ceilings {
            let perThousand = group.perOperation(ceiling.step) * 1_000
            print("allocations of 1,000 operations: \(ceiling): \(perThousand)")
            #expect(perThousand <= ceiling.ceiling, "\(ceiling)")
            // A frame is at least one piece of memory for who makes it and for who takes it apart.
            if ceiling.stage == .encode || ceiling.stage == .decode { #expect(perThousand > 0.9) }
        }
    }
}
