// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import SyncJobs

/// Finds all matches of a pattern in a part of a file, in bounded memory and in time proportional to its length.
///
/// Matches are the leftmost ones, by preference of the pattern, and do not overlap, as in Go's `FindAll`. Bytes that are no
/// UTF-8 count as U+FFFD each.
struct PatternScan {
    /// What was found.
    struct Result: Hashable, Sendable {
        /// How many matches there are.
        var count = 0
        /// What the first group matched in the last match in which it took part; at most ``groupLimit`` bytes.
        var lastGroup: String?
    }

    /// The most bytes of a group that are read.
    static let groupLimit = 4096

    /// One way through the program, with where its match and its first group began and ended.
    private struct Way {
        var place: Int
        var start: Int64
        var group: (Int64, Int64)
    }

    private let program: PatternProgram
    private let first: [Bool]?
    private var reader: ScalarReader
    private var ways: [Way] = []
    private var nextWays: [Way] = []
    /// In which step each instruction was last reached, so that no way is followed twice.
    private var marks: [Int]
    private var step = 0

    /// Finds all matches.
    ///
    /// - Parameters:
    ///   - program: the pattern.
    ///   - descriptor: the file.
    ///   - range: its part; assertions see it as the whole text.
    ///   - isStopped: asked now and then whether to give up.
    /// - Returns: what was found by then.
    /// - Throws: ``RunFailure`` when the file cannot be read.
    static func run(
        _ program: PatternProgram, in descriptor: Int32, _ range: Range<Int64>, isStopped: () -> Bool = { false }
    ) throws(RunFailure) -> Result {
        var scan = PatternScan(program, descriptor, range)
        var result = Result()
        var group: (Int64, Int64)?
        var position = range.lowerBound
        var previousEnd: Int64 = -1
        while position <= range.upperBound, let match = try scan.match(from: position, isStopped) {
            // An empty match right after another one does not count.
            let isEmpty = match.start == match.end
            if !isEmpty || match.start != previousEnd {
                result.count += 1
                if match.group.0 >= 0, match.group.1 >= match.group.0 { group = match.group }
            }
            previousEnd = match.end
            position = isEmpty ? try scan.reader.position(after: match.end) : match.end
        }
        if let group { result.lastGroup = text(descriptor, group) }
        return result
    }

    private init(_ program: PatternProgram, _ descriptor: Int32, _ range: Range<Int64>) {
        self.program = program
        first = program.firstBytes()
        reader = ScalarReader(descriptor, range)
        marks = [Int](repeating: 0, count: program.instructions.count)
    }

    private mutating func match(
        from start: Int64, _ isStopped: () -> Bool
    ) throws(RunFailure) -> (start: Int64, end: Int64, group: (Int64, Int64))? {
        var found: (start: Int64, end: Int64, group: (Int64, Int64))?
        ways.removeAll(keepingCapacity: true)
        var before = try reader.seek(start)
        var steps = 0
        while true {
            steps += 1
            if steps & 0xffff == 0, isStopped() { return nil }
            if ways.isEmpty {
                if found != nil { return found }
                if let first { before = try reader.skip(until: first, before) }
            }
            let position = reader.position
            let scalar = try reader.next()
            step += 1
            nextWays.removeAll(keepingCapacity: true)
            var isCut = false
            for way in ways where !isCut { isCut = follow(way, position, before, scalar, &found) }
            // A new match may begin here, after all those that began earlier.
            if found == nil {
                _ = follow(Way(place: 0, start: position, group: (-1, -1)), position, before, scalar, &found)
            }
            swap(&ways, &nextWays)
            guard let scalar else { return found }
            before = scalar
        }
    }

    /// Follows a way up to where it takes the scalar or ends.
    ///
    /// - Returns: whether it matched, which ends the ways after it.
    private mutating func follow(
        _ way: Way, _ position: Int64, _ before: UInt32?, _ scalar: UInt32?,
        _ found: inout (start: Int64, end: Int64, group: (Int64, Int64))?
    ) -> Bool {
        var open = [way]
        while var way = open.popLast() {
            guard marks[way.place] != step else { continue }
            marks[way.place] = step
            switch program.instructions[way.place] {
            case .set(let number):
                guard let scalar, program.sets[number].contains(scalar) else { continue }
                way.place += 1
                nextWays.append(way)
            case .split(let preferred, let other):
                open.append(Way(place: other, start: way.start, group: way.group))
                open.append(Way(place: preferred, start: way.start, group: way.group))
            case .jump(let place):
                way.place = place
                open.append(way)
            case .save(let slot):
                if slot == 0 { way.group = (position, -1) } else { way.group.1 = position }
                way.place += 1
                open.append(way)
            case .assertion(let assertion):
                guard Self.holds(assertion, before, scalar) else { continue }
                way.place += 1
                open.append(way)
            case .match:
                found = (way.start, position, way.group)
                return true
            }
        }
        return false
    }

    private static func holds(
        _ assertion: PatternNode.Assertion, _ before: UInt32?, _ after: UInt32?
    ) -> Bool {
        switch assertion {
        case .textStart: before == nil
        case .textEnd: after == nil
        case .lineStart: before == nil || before == 10
        case .lineEnd: after == nil || after == 10
        case .wordEdge: isWord(before) != isWord(after)
        case .noWordEdge: isWord(before) == isWord(after)
        }
    }

    private static func isWord(_ scalar: UInt32?) -> Bool { scalar.map { ScalarSet.word.contains($0) } ?? false }

    private static func text(_ descriptor: Int32, _ range: (Int64, Int64)) -> String {
        var bytes = [UInt8](repeating: 0, count: Int(min(range.1 - range.0, Int64(groupLimit))))
        let count = pread(descriptor, &bytes, bytes.count, off_t(range.0))
        return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
    }
}
