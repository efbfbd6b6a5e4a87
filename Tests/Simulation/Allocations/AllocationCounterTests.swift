// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import AllocationCounter
import Testing

#if canImport(Glibc)
private import Glibc
#endif

/// A counter that counts nothing would hold every ceiling.
@Suite("The counter of allocations", .enabled(if: allocationsAreCounted()))
struct AllocationCounterTests {
    private final class Object {
        let number: Int

        init(_ number: Int) { self.number = number }
    }

    @inline(never)
    private static func make(_ number: Int) -> Object { Object(number) }

    @Test func countsEveryObjectOfTheSwiftRuntime() {
        var objects: [Object] = []
        objects.reserveCapacity(1_000)
        let before = allocationsOfThread()
        for number in 0..<1_000 { objects.append(Self.make(number)) }
        let spent = allocationsOfThread() - before
        #expect(spent == 1_000)
        #expect(objects.reduce(0) { $0 + $1.number } == 499_500)
    }

    @Test func countsNothingWhereNothingIsAllocated() {
        var numbers = [UInt64](repeating: 1, count: 1_000)
        let before = allocationsOfThread()
        for index in numbers.indices.dropFirst() { numbers[index] &+= numbers[index - 1] &* 31 }
        let spent = allocationsOfThread() - before
        #expect(spent == 0)
        #expect(numbers[999] != 1)
    }

    #if canImport(Glibc)
    /// Each way to memory once, and one from inside glibc.
    @Test func countsEveryCallOfTheAllocator() {
        var found: [UInt64] = []
        found.reserveCapacity(8)
        // Memory that is freed where it was made would be optimised away.
        var kept: [UnsafeMutableRawPointer?] = []
        kept.reserveCapacity(8)
        func spending(_ work: () -> UnsafeMutableRawPointer?) {
            let before = allocationsOfThread()
            kept.append(work())
            found.append(allocationsOfThread() - before)
        }
        spending { malloc(100) }
        spending { calloc(10, 10) }
        spending { realloc(malloc(10), 1_000) }
        spending { aligned_alloc(64, 128) }
        spending {
            var memory: UnsafeMutableRawPointer?
            return posix_memalign(&memory, 4_096, 100) == 0 ? memory : nil
        }
        spending { UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64) }
        let text: [CChar] = [0x74, 0x65, 0x78, 0x74, 0]
        spending { UnsafeMutableRawPointer(strdup(text)) }
        #expect(found == [1, 1, 2, 1, 1, 1, 1])
        #expect(kept.allSatisfy { $0 != nil })
        for memory in kept { free(memory) }
        var refused: UnsafeMutableRawPointer?
        #expect(posix_memalign(&refused, 3, 100) == EINVAL)
    }

    @Test func countsTheAllocationsOfOtherThreadsOnlyForTheProcess() {
        let (ofThread, ofProcess) = (allocationsOfThread(), allocationsOfProcess())
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { _ in
                let objects = (0..<1_000).map { AllocationCounterTests.make($0) }
                // A thread can only say that something is there.
                return UnsafeMutableRawPointer(bitPattern: objects.reduce(0) { $0 + $1.number })
            }, nil)
        var sum: UnsafeMutableRawPointer?
        #expect(status == 0 && pthread_join(thread, &sum) == 0)
        #expect(Int(bitPattern: sum) == 499_500)
        #expect(allocationsOfProcess() - ofProcess >= 1_000)
        #expect(allocationsOfThread() - ofThread < 1_000)
    }
    #endif
}
