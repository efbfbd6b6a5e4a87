// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import SyncJobs

/// A pattern as a program of a machine that follows all its ways at once (Thompson 1968, Pike's sam; Cox, "Regular Expression
/// Matching: the Virtual Machine Approach").
struct PatternProgram: Sendable {
    /// The longest program.
    static let sizeLimit = 50_000

    /// A step of the program.
    enum Instruction: Hashable, Sendable {
        /// Goes on when the next scalar is in the set of that number.
        case set(Int)
        /// Goes on in both places; the first is preferred.
        case split(Int, Int)
        case jump(Int)
        /// Notes the position.
        case save(Int)
        case assertion(PatternNode.Assertion)
        case match
    }

    private(set) var instructions: [Instruction] = []
    private(set) var sets: [ScalarSet] = []
    /// How many groups keep what they matched.
    let groupCount: Int
    private let pattern: String

    /// Makes a program of a pattern.
    ///
    /// - Parameter pattern: the pattern in RE2's language.
    /// - Throws: ``RunFailure`` of class `configuration`.
    init(_ pattern: String) throws(RunFailure) {
        self.pattern = pattern
        let (node, groups) = try PatternParser.parse(pattern)
        groupCount = groups
        try add(node)
        try add(.match)
    }

    /// What a match may begin with, as a table of bytes; nothing when it may begin with anything or be empty.
    func firstBytes() -> [Bool]? {
        var table = [Bool](repeating: false, count: 256)
        var seen = Set<Int>()
        var open = [0]
        while let place = open.popLast() {
            guard seen.insert(place).inserted else { continue }
            switch instructions[place] {
            case .set(let number):
                let set = sets[number]
                for value in 0..<UInt32(128) where set.contains(value) { table[Int(value)] = true }
                // Beyond ASCII every byte may begin a scalar of the set.
                for byte in 128..<256 { table[byte] = true }
            case .split(let first, let second): open += [first, second]
            case .jump(let place): open.append(place)
            case .save: open.append(place + 1)
            case .assertion, .match: return nil
            }
        }
        return table
    }

    private mutating func add(_ instruction: Instruction) throws(RunFailure) {
        guard instructions.count < Self.sizeLimit else {
            throw RunFailure(.configuration, "the pattern \(pattern.debugDescription) is too large")
        }
        instructions.append(instruction)
    }

    private mutating func add(_ node: PatternNode) throws(RunFailure) {
        switch node {
        case .empty: break
        case .set(let set):
            let number = sets.firstIndex(of: set) ?? sets.count
            if number == sets.count { sets.append(set) }
            try add(.set(number))
        case .assertion(let kind): try add(Instruction.assertion(kind))
        case .sequence(let parts): for part in parts { try add(part) }
        case .choice(let branches): try add(branches[...])
        case .group(let inner, let number):
            // Only the first group is ever asked for.
            if number == 1 { try add(.save(0)) }
            try add(inner)
            if number == 1 { try add(.save(1)) }
        case .repetition(let inner, let least, let most, let isLazy):
            for _ in 0..<least { try add(inner) }
            if let most {
                var splits: [Int] = []
                for _ in least..<max(least, most) {
                    splits.append(instructions.count)
                    try add(.jump(0))
                    try add(inner)
                }
                for split in splits { instructions[split] = fork(split + 1, instructions.count, isLazy) }
            } else {
                let start = instructions.count
                try add(.jump(0))
                try add(inner)
                try add(.jump(start))
                instructions[start] = fork(start + 1, instructions.count, isLazy)
            }
        }
    }

    private mutating func add(_ branches: ArraySlice<PatternNode>) throws(RunFailure) {
        guard let first = branches.first else { return }
        guard branches.count > 1 else { return try add(first) }
        let split = instructions.count
        try add(.jump(0))
        try add(first)
        let jump = instructions.count
        try add(.jump(0))
        instructions[split] = .split(split + 1, instructions.count)
        try add(branches.dropFirst())
        instructions[jump] = .jump(instructions.count)
    }

    private func fork(_ into: Int, _ past: Int, _ isLazy: Bool) -> Instruction {
        isLazy ? .split(past, into) : .split(into, past)
    }
}
