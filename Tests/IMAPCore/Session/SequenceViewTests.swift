// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import IMAPCore
import TestSupport
import Testing

@Suite("SequenceView")
struct SequenceViewTests {
    private func uids(_ numbers: some Sequence<UInt32>) -> [UID] { numbers.compactMap { UID($0) } }
    private func sequence(_ ranges: ClosedRange<UInt32>...) -> SequenceSet {
        SequenceSet(ranges.map { SequenceRange(SequenceNumber($0.lowerBound)!...SequenceNumber($0.upperBound)!) })
    }

    @Test func numbersFollowTheIdentifiers() {
        let view = SequenceView(uids([3, 7, 9]))
        #expect(view.count == 3)
        #expect(view.number(of: UID(7)!)?.rawValue == 2)
        #expect(view.number(of: UID(8)!) == nil)
        #expect(view.uid(at: 3) == UID(9))
        #expect(view.uid(at: 0) == nil)
        #expect(view.uid(at: 4) == nil)
        #expect(view.lastUID == UID(9))
    }

    @Test func appendRefusesWhatDoesNotAscend() {
        var view = SequenceView(uids([3]))
        let accepted = [3, 2, 4].map { view.append(UID($0)!) }
        #expect(accepted == [false, false, true])
        #expect(view.uids == uids([3, 4]))
    }

    @Test func initLeavesOutWhatDoesNotAscend() {
        #expect(SequenceView(uids([5, 3, 5, 9])).uids == uids([5, 9]))
    }

    @Test func removedNumbersDescendAndAreRightOneAfterTheOther() {
        var view = SequenceView(uids([1, 2, 3, 4, 5]))
        let numbers = view.remove(uids([2, 3, 5, 77])).map(\.rawValue)
        #expect(numbers == [5, 3, 2])
        #expect(view.uids == uids([1, 4]))
        #expect(view.number(of: UID(4)!)?.rawValue == 2)
    }

    @Test func aNumberBehindTheLastIsNoTarget() {
        let view = SequenceView(uids([1, 2]))
        #expect(view.targets(of: sequence(1...3)) == nil)
        #expect(view.targets(of: sequence(2...2, 1...2))?.map(\.uid.rawValue) == [1, 2])
    }

    @Test func starInAnEmptyMailboxIsAnErrorForNumbersAndNothingForIdentifiers() {
        let view = SequenceView()
        #expect(view.targets(of: SequenceSet([SequenceRange(.number(SequenceNumber(1)!), .largest)])) == nil)
        #expect(view.targets(of: UIDSet([UIDRange(.number(UID(1)!), .largest)])).isEmpty)
    }

    @Test func aUIDRangeBehindTheLastWithAStarMeansTheLast() {
        let view = SequenceView(uids([1, 5]))
        #expect(view.targets(of: UIDSet([UIDRange(.number(UID(9)!), .largest)])).map(\.uid.rawValue) == [5])
        #expect(view.targets(of: UIDSet([UIDRange(UID(6)!...UID(9)!)])).isEmpty)
        #expect(view.targets(of: UIDSet([UIDRange(UID(1)!...UID(.max)!)])).count == 2)
    }

    /// Against an array, with every query after every step.
    @Test(arguments: 0..<60)
    func behavesLikeAnArray(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var model = uids(1...UInt32.random(in: 1...300, using: &random))
        var view = SequenceView(model)
        var next = UInt32(model.count) + 1
        for _ in 0..<60 {
            if Bool.random(using: &random) {
                next += UInt32.random(in: 0...3, using: &random)
                view.append(UID(next)!)
                model.append(UID(next)!)
                next += 1
            } else {
                let doomed = model.filter { _ in Int.random(in: 0..<12, using: &random) == 0 }
                var expected: [UInt32] = []
                for uid in doomed.reversed() {
                    let index = model.firstIndex(of: uid)!
                    expected.append(UInt32(index + 1))
                    model.remove(at: index)
                }
                let numbers = view.remove(doomed).map(\.rawValue)
                #expect(numbers == expected)
            }
            #expect(view.checkInvariants() == nil)
            #expect(view.uids == model)
            guard !model.isEmpty else { continue }
            let position = Int.random(in: 1...model.count, using: &random)
            #expect(view.uid(at: position) == model[position - 1])
            #expect(view.number(of: model[position - 1])?.rawValue == UInt32(position))
            let low = UInt32.random(in: 1...next, using: &random)
            let high = low + UInt32.random(in: 0...40, using: &random)
            let found = view.targets(of: UIDSet([UIDRange(UID(low)!...UID(high)!)]))
            #expect(found.map(\.uid) == model.filter { (low...high).contains($0.rawValue) })
            #expect(found.map { Int($0.sequenceNumber.rawValue) } == found.map { model.firstIndex(of: $0.uid)! + 1 })
        }
    }

    /// The work of one change does not grow with the mailbox, apart from the depth of the tree.
    @Test func oneChangeTouchesAtMostALogarithm() {
        for count in [UInt32(100), 100_000] {
            var view = SequenceView(uids(1...count))
            let start = view.touched
            view.append(UID(count + 1)!)
            _ = view.remove([UID(count / 2)!])
            #expect(view.touched - start <= 40, "\(count) messages")
        }
    }

    @Test func removingAllOfALargeMailboxIsNotQuadratic() {
        let all = uids(1...100_000)
        var view = SequenceView(all)
        let start = view.touched
        let numbers = view.remove(all)
        #expect(numbers.count == 100_000)
        #expect(numbers.first?.rawValue == 100_000)
        #expect(view.isEmpty)
        #expect(view.touched - start < 100_000 * 20)
        #expect(view.checkInvariants() == nil)
    }

    @Test func holesAreGivenBack() {
        var view = SequenceView(uids(1...10_000))
        for uid in uids(1...9_000) { _ = view.remove([uid]) }
        // Each compaction is paid for by as many removals.
        #expect(view.touched < 9_000 * 20 + 3 * 10_000)
        #expect(view.uids == uids(9_001...10_000))
    }
}
