// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import NodeSupport
import Testing

@Suite struct LoginThrottleTests {
    private let start = ContinuousClock.now

    private func at(_ seconds: Int) -> ContinuousClock.Instant { start.advanced(by: .seconds(seconds)) }

    private func seconds(
        _ throttle: LoginThrottle, _ client: String, _ user: String, at time: Int = 0
    ) -> Int64 {
        throttle.delay(client: client, user: user, now: at(time)).components.seconds
    }

    private func fail(
        _ throttle: inout LoginThrottle, _ client: String, _ user: String, times: Int = 1, at time: Int = 0
    ) {
        for _ in 0..<times { throttle.recordFailure(client: client, user: user, now: at(time)) }
    }

    @Test func waitsDoubleUpToTheCap() {
        var throttle = LoginThrottle()
        var waits: [Int64] = []
        for _ in 0..<10 {
            waits.append(seconds(throttle, "c", "u"))
            fail(&throttle, "c", "u")
        }
        #expect(waits == [0, 1, 2, 4, 8, 16, 30, 30, 30, 30])
    }

    @Test func addressesAndNamesCountApart() {
        var throttle = LoginThrottle()
        fail(&throttle, "c1", "u1", times: 3)
        #expect(seconds(throttle, "c1", "other") == 4)
        #expect(seconds(throttle, "other", "u1") == 4)
        #expect(seconds(throttle, "other", "other") == 0)
    }

    @Test func guessingWithManyNamesCountsForTheAddress() {
        var throttle = LoginThrottle()
        for index in 0..<20 { fail(&throttle, "c", "u\(index)") }
        #expect(seconds(throttle, "c", "new") == 30)
        #expect(seconds(throttle, "d", "u3") == 1)
    }

    @Test func eachQuietMinuteForgivesOneFailure() {
        var throttle = LoginThrottle()
        fail(&throttle, "c", "u", times: 100)
        let expected: [(Int, Int64)] = [
            (0, 30), (59, 30), (60, 16), (119, 16), (120, 8), (180, 4), (240, 2), (300, 1), (359, 1), (360, 0),
        ]
        for (time, wait) in expected { #expect(seconds(throttle, "c", "u", at: time) == wait, "after \(time) s") }
        fail(&throttle, "c", "u", at: 130)
        #expect(seconds(throttle, "c", "u", at: 189) == 16)
        #expect(seconds(throttle, "c", "u", at: 190) == 8)
    }

    @Test func nobodyIsLockedOutForGood() {
        var throttle = LoginThrottle()
        for time in 0..<10_000 { fail(&throttle, "attacker", "victim", at: time) }
        #expect(seconds(throttle, "owner", "victim", at: 10_000) == 30)
        throttle.recordSuccess(client: "owner", user: "victim", now: at(10_030))
        #expect(seconds(throttle, "owner", "victim", at: 10_030) == 0)
        #expect(seconds(throttle, "attacker", "victim", at: 10_030) == 30)
    }

    @Test func aMistypedPasswordIsForgivenByTheRightOne() {
        var throttle = LoginThrottle()
        fail(&throttle, "c", "u", times: 3)
        throttle.recordSuccess(client: "c", user: "u", now: at(1))
        #expect(seconds(throttle, "c", "u", at: 1) == 0)
        #expect(throttle.entryCount == 0)
    }

    @Test func ownSuccessesDoNotForgiveGuessesAtOthers() {
        var throttle = LoginThrottle()
        for index in 0..<10 {
            fail(&throttle, "c", "victim\(index)")
            fail(&throttle, "c", "own", times: 8)
            throttle.recordSuccess(client: "c", user: "own", now: at(0))
        }
        #expect(seconds(throttle, "c", "own") == 30)
    }

    @Test func memoryIsBoundedAndTheOldestGoFirst() {
        var limits = LoginThrottle.Limits()
        limits.maximumEntries = 100
        var throttle = LoginThrottle(limits: limits)
        fail(&throttle, "first", "first")
        for index in 0..<1_000 { fail(&throttle, "c\(index)", "u\(index)") }
        #expect(throttle.entryCount == 200)
        #expect(throttle.checkInvariants())
        #expect(seconds(throttle, "first", "first") == 0)
        #expect(seconds(throttle, "c999", "x") == 1)
        #expect(seconds(throttle, "c900", "x") == 1)
        #expect(seconds(throttle, "c899", "x") == 0)
    }

    @Test func longNamesTakeLittleMemory() {
        var throttle = LoginThrottle()
        let long = String(repeating: "x", count: 1_000_000)
        fail(&throttle, long, long)
        #expect(seconds(throttle, "c", long + "y") == 1)
    }

    @Test func version6AddressesCountByNetwork() {
        var throttle = LoginThrottle()
        fail(&throttle, "2001:db8:1:2::1", "u1", times: 2)
        #expect(seconds(throttle, "2001:db8:1:2:ffff::9", "x") == 2)
        #expect(seconds(throttle, "2001:db8:1:3::1", "x") == 0)
        fail(&throttle, "::ffff:192.0.2.1", "u2")
        #expect(seconds(throttle, "192.0.2.1", "x") == 1)
        #expect(seconds(throttle, "::ffff:192.0.2.2", "x") == 0)
        fail(&throttle, "fe80::1%eth0", "u3")
        #expect(seconds(throttle, "fe80::2%eth1", "x") == 1)
    }

    @Test func clocksThatGoBackAreHarmless() {
        var throttle = LoginThrottle()
        fail(&throttle, "c", "u", times: 2, at: 1_000)
        #expect(seconds(throttle, "c", "u", at: 0) == 2)
        fail(&throttle, "c", "u", at: 0)
        #expect(seconds(throttle, "c", "u", at: 0) == 4)
    }

    @Test func zeroLimitsSwitchPartsOff() {
        var limits = LoginThrottle.Limits()
        limits.firstDelay = .zero
        var throttle = LoginThrottle(limits: limits)
        fail(&throttle, "c", "u", times: 10)
        #expect(seconds(throttle, "c", "u") == 0)
        limits = LoginThrottle.Limits()
        limits.decayInterval = .zero
        limits.maximumEntries = 0
        throttle = LoginThrottle(limits: limits)
        fail(&throttle, "c", "u", times: 3)
        #expect(seconds(throttle, "c", "u", at: 1_000_000) == 4)
    }

    /// The table against an obviously right one: an array in the order of touching.
    @Test(arguments: 1...20)
    func theTableAgreesWithANaiveOne(seed: UInt64) {
        var random = Xorshift(state: seed &* 0x9E37_79B9_7F4A_7C15)
        let capacity = Int.random(in: 1...8, using: &random)
        var table = RecencyTable<Int, Int>(capacity: capacity)
        var naive: [(key: Int, value: Int)] = []
        for step in 0..<500 {
            let key = Int.random(in: 0..<12, using: &random)
            if Int.random(in: 0..<4, using: &random) == 0 {
                table.remove(key)
                naive.removeAll { $0.key == key }
            } else {
                table.store(step, for: key)
                naive.removeAll { $0.key == key }
                if naive.count == capacity { naive.removeFirst() }
                naive.append((key, step))
            }
            let isSound = table.checkInvariants()
            #expect(isSound, "seed \(seed), step \(step)")
            #expect(table.count == naive.count)
            for key in 0..<12 { #expect(table.peek(key) == naive.first { $0.key == key }?.value) }
        }
    }

    private struct Xorshift: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
    }
}
