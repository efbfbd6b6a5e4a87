// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import CRDTKit

@Suite("UID stripes")
struct UIDStripeTests {
    @Test("The sole stripe gives every UID, without gaps")
    func soleStripeIsContiguous() {
        for bound in [UInt64(1), 2, 1_024, 1_025, 1 << 32] {
            #expect(UIDStripe.sole.nextUID(after: 0, notBelow: bound) == bound)
            #expect(UIDStripe.sole.nextUID(after: 7, notBelow: bound) == bound)
            #expect(UIDStripe.sole.freshUID(notBelow: bound) == bound)
        }
    }

    @Test("An owner uses up its block, then goes on in the next block of its stripe")
    func ownersUseUpTheirBlocks() throws {
        let stripe = try #require(UIDStripe(index: 2, count: 3, blockSize: 4))
        var uids: [UInt64] = []
        var last: UInt32 = 0
        for _ in 0..<9 {
            let next = stripe.nextUID(after: last, notBelow: UInt64(last) + 1)
            uids.append(next)
            last = UInt32(next)
        }
        #expect(uids == [9, 10, 11, 12, 21, 22, 23, 24, 33])
    }

    @Test("A fresh block is one that nobody has used, not even this stripe")
    func freshBlocksAreUnused() throws {
        let stripe = try #require(UIDStripe(index: 0, count: 3, blockSize: 4))
        #expect(stripe.freshUID(notBelow: 1) == 1)
        #expect(stripe.freshUID(notBelow: 2) == 13)
        #expect(stripe.freshUID(notBelow: 13) == 13)
        #expect(stripe.freshUID(notBelow: 14) == 25)
        let wide = try #require(UIDStripe(index: 3))
        #expect(wide.freshUID(notBelow: 1) == 3 * 1_024 + 1)
        #expect(wide.freshUID(notBelow: 3 * 1_024 + 2) == 19 * 1_024 + 1)
    }

    @Test("No two stripes ever give the same UID, and no UID is below what is known")
    func stripesAreDisjoint() throws {
        var generator = SeededGenerator(seed: 3)
        for count in [1, 2, 5, 16] {
            var givenBy: [UInt64: Int] = [:]
            for index in 0..<count {
                let stripe = try #require(UIDStripe(index: index, count: count, blockSize: 4))
                var last: UInt32 = 0
                var bound: UInt64 = 1
                for _ in 0..<200 {
                    bound += UInt64.random(in: 0..<9, using: &generator) / 6
                    let uid = stripe.nextUID(after: last, notBelow: bound)
                    #expect(uid >= bound && uid > last)
                    if count > 1 { #expect(givenBy.updateValue(index, forKey: uid) == nil) }
                    last = UInt32(uid)
                    bound = max(bound, uid + 1)
                }
            }
        }
    }

    @Test("A stripe of another owner's last UID, as after a change of the number of stripes, is not continued")
    func foreignBlocksAreNotContinued() throws {
        let stripe = try #require(UIDStripe(index: 1, count: 2, blockSize: 4))
        #expect(stripe.nextUID(after: 2, notBelow: 3) == 5)
        #expect(stripe.nextUID(after: 6, notBelow: 100) == 101)
    }

    @Test("What is no stripe is refused")
    func wrongStripesAreRefused() {
        #expect(UIDStripe(index: 16) == nil)
        #expect(UIDStripe(index: -1) == nil)
        #expect(UIDStripe(index: 0, count: 0) == nil)
        #expect(UIDStripe(index: 0, count: 1, blockSize: 0) == nil)
        #expect(UIDStripe(index: 15) != nil)
    }
}
