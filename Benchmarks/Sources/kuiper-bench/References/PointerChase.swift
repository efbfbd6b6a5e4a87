// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// Loads of which each says where the next one is, all over some memory: what a cache miss costs.
struct PointerChase: ~Copyable {
    /// One load in a cache line.
    private static let wordsPerLine = 8
    private let words: UnsafeMutablePointer<UInt64>
    private let lines: Int
    private var position: UInt64 = 0

    /// Links the lines of a region into one cycle in random order (Sattolo).
    init(bytes: Int) {
        lines = max(bytes / 64, 16)
        words = .allocate(capacity: lines * Self.wordsPerLine)
        words.initialize(repeating: 0, count: lines * Self.wordsPerLine)
        var random = BenchGenerator(seed: 7)
        for line in 0..<lines { words[line * Self.wordsPerLine] = UInt64(line) }
        var last = lines - 1
        while last > 0 {
            let other = random.below(last)
            let kept = words[last * Self.wordsPerLine]
            words[last * Self.wordsPerLine] = words[other * Self.wordsPerLine]
            words[other * Self.wordsPerLine] = kept
            last -= 1
        }
    }

    deinit { words.deallocate() }

    /// The cost of one load.
    mutating func run(_ count: Int) -> Cost {
        var line = position
        let cost = Stopwatch.measure {
            for _ in 0..<count { line = words[Int(line) * Self.wordsPerLine] }
        }
        position = line
        blackHole(line)
        return cost.divided(by: count)
    }
}
