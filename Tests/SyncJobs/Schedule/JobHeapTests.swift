// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import SyncJobs

@Suite("Heaps of jobs")
struct JobHeapTests {
    @Test("a heap is a sorted list, whatever is put in, changed and taken out, also with equal keys")
    func aHeapIsASortedList() {
        for seed in 0..<UInt64(Effort.runs(200)) {
            var generator = SeededGenerator(seed: seed)
            // Two heaps that share a table, and a plain list for each.
            var heaps = [JobHeap<JobHandle, Int>(), JobHeap<JobHandle, Int>()]
            var positions = HeapPositions()
            var lists: [[Int: Int]] = [[:], [:]]
            for _ in 0..<300 {
                let (which, index) = (
                    Int.random(in: 0...1, using: &generator), Int.random(in: 0..<60, using: &generator)
                )
                let handle = JobHandle(index: index)
                if Int.random(in: 0..<3, using: &generator) == 0 {
                    let removed = heaps[which].remove(handle, &positions)
                    let expected = lists[which].removeValue(forKey: index) != nil
                    if removed != expected { Issue.record("seed \(seed): removing told \(removed)") }
                } else if lists[1 - which][index] == nil {
                    let key = Int.random(in: 0..<20, using: &generator)
                    heaps[which].set(handle, key, &positions)
                    lists[which][index] = key
                }
                for which in 0...1 {
                    let isRight =
                        heaps[which].isConsistent(positions) && heaps[which].count == lists[which].count
                        && heaps[which].first?.key == lists[which].values.min()
                        && heaps[which].contains(handle, positions) == (lists[which][index] != nil)
                        && heaps[which].count(before: 10) == lists[which].values.count { $0 < 10 }
                    if !isRight {
                        Issue.record("seed \(seed): heap \(which) is not its list")
                        return
                    }
                }
            }
            for which in 0...1 {
                var order: [Int] = []
                while let first = heaps[which].first {
                    order.append(first.key)
                    heaps[which].remove(first.identifier, &positions)
                }
                if order != lists[which].values.sorted() { Issue.record("seed \(seed): the order is wrong") }
            }
        }
    }
}
