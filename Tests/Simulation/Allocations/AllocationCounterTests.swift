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
        func spending(_ work: () -> UnsafeMutableRawPointer?) {
            let before = allocationsOfThread()
            let memory = work()
            found.append(allocationsOfThread() - before)
            free(memory)
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
        let text = strdup("text")
        spending { UnsafeMutableRawPointer(strdup(text)) }
        free(text)
        #expect(found == [1, 1, 2, 1, 1, 1, 1])
        var refused: UnsafeMutableRawPointer?
        #expect(posix_memalign(&refused, 3, 100) == EINVAL)
    }

    @Test func countsTheAllocationsOfOtherThreadsOnlyForTheProcess() {
        let (ofThread, ofProcess) = (allocationsOfThread(), allocationsOfProcess())
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { _ in
                for _ in 0..<1_000 { free(malloc(100)) }
                return nil
            }, nil)
        #expect(status == 0 && pthread_join(thread, nil) == 0)
        #expect(allocationsOfProcess() - ofProcess >= 1_000)
        #expect(allocationsOfThread() - ofThread < 1_000)
    }
    #endif
}
