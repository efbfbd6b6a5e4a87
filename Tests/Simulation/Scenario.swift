// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// What a run consists of, drawn from its seed.
struct Scenario {
    var nodes = 3
    var accounts = 1
    var clients = 3
    /// For how long clients and faults are busy, in milliseconds.
    var milliseconds: UInt64 = 20_000
    var faults = FaultProfile()
    var mutant: Mutant?

    init() {}

    /// Draws a scenario: some worlds are calm, most are not.
    init(seed: UInt64) {
        var chance = ChanceOf(seed: seed &* 0x9e37_79b9 &+ 17)
        nodes = chance.number(2...7)
        accounts = chance.number(1...3)
        clients = chance.number(2...5)
        milliseconds = UInt64(chance.number(4_000...14_000))
        let isWide = chance.once(in: 3)
        faults.latency = isWide ? 20_000...200_000 : 100...15_000
        faults.disk = chance.once(in: 3) ? 2_000...40_000 : 50...4_000
        faults.slowWrite = chance.once(in: 3) ? 30 : 0
        faults.breakPerMessage = chance.once(in: 2) ? UInt64(chance.number(50...600)) : 0
        faults.crashAtWrite = chance.once(in: 3) ? UInt64(chance.number(100...800)) : 0
        faults.skewMilliseconds = chance.once(in: 2) ? UInt64(chance.number(1...5_000)) : 0
        faults.hasClockFarAhead = chance.once(in: 4)
        faults.partition = chance.once(in: 3) ? 0 : UInt64(chance.number(4...20))
        faults.crash = chance.once(in: 2) ? UInt64(chance.number(6...30)) : 0
        faults.wipe = chance.once(in: 4) ? UInt64(chance.number(20...60)) : 0
        faults.absence = chance.once(in: 4) ? UInt64(chance.number(15...40)) : 0
        faults.membership = chance.once(in: 5) ? UInt64(chance.number(15...40)) : 0
        faults.full = chance.once(in: 3) ? UInt64(chance.number(6...30)) : 0
    }

    private struct ChanceOf {
        var state: UInt64
        init(seed: UInt64) { state = seed }
        mutating func number(_ range: ClosedRange<Int>) -> Int {
            state = StableHash.mix(state)
            return range.lowerBound + Int(state % UInt64(range.count))
        }
        mutating func once(in times: Int) -> Bool { number(1...times) == 1 }
    }
}
