// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Storage
import Synchronization
import TestSupport
import Testing

/// What every ``KeyValueEngine`` must do; each engine's suite calls these with its own factory.
struct EngineContract: Sendable {
    struct Refusal: Error {}

    /// Opens the engine in a directory.
    let open: @Sendable (_ directory: String) throws -> any KeyValueEngine

    func key(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// The keys of a range, in the order in which the engine shows them.
    func keys(
        _ engine: any KeyValueEngine, from: [UInt8] = [], upTo: [UInt8]? = nil, reverse: Bool = false,
        limit: Int = .max
    ) throws -> [[UInt8]] {
        try engine.read { reader in
            var keys: [[UInt8]] = []
            try reader.scan(from: from, upTo: upTo, reverse: reverse) { key, _ in
                keys.append(key.withUnsafeBytes { Array($0) })
                return keys.count < limit
            }
            return keys
        }
    }

    func storesAndReadsValues() async throws {
        let directory = TemporaryDirectory()
        let engine = try open(directory.path)
        defer { engine.close() }
        try await engine.write { writer in
            try writer.put([1, 2, 3], for: Array("a".utf8))
            try writer.put([], for: Array("empty".utf8))
            let own = try writer.value(for: Array("a".utf8))
            #expect(own == [1, 2, 3])
        }
        try engine.read { reader in
            let values = try ["a", "empty", "absent"].map { try reader.value(for: key($0)) }
            #expect(values == [[1, 2, 3], [], nil])
            let sizes = try ["a", "empty", "absent"].map { name in
                try reader.withValue(for: key(name)) { $0.byteCount }
            }
            #expect(sizes == [3, 0, nil])
        }
        try await engine.write { writer in
            try writer.put([9], for: Array("a".utf8))
            let hadEmpty = try writer.delete(Array("empty".utf8))
            #expect(hadEmpty)
            let hadAbsent = try writer.delete(Array("absent".utf8))
            #expect(!hadAbsent)
        }
        #expect(try engine.read { try $0.value(for: key("a")) } == [9])
        #expect(try engine.statistics().entries == 1)
    }

    func leavesNothingOfABatchThatThrows() async throws {
        let directory = TemporaryDirectory()
        let engine = try open(directory.path)
        defer { engine.close() }
        try await engine.write { try $0.put([1], for: [1]) }
        await #expect(throws: Refusal.self) {
            try await engine.write { writer in
                try writer.put([2], for: [1])
                try writer.put([2], for: [2])
                try writer.delete([1])
                throw Refusal()
            }
        }
        #expect(try keys(engine) == [[1]])
        #expect(try engine.read { try $0.value(for: [1]) } == [1])
    }

    func showsASnapshotWhileABatchCommits() async throws {
        let directory = TemporaryDirectory()
        let engine = try open(directory.path)
        defer { engine.close() }
        try await engine.write { try $0.put([0], for: [1]) }
        let committed = Flag()
        let began = Flag()
        async let observed: [[UInt8]?] = onThread {
            try engine.read { reader in
                let before = try reader.value(for: [1])
                began.raise()
                committed.wait()
                return [before, try reader.value(for: [1])]
            }
        }
        await onThread { began.wait() }
        try await engine.write { try $0.put([7], for: [1]) }
        committed.raise()
        let values = try await observed
        #expect(values == [[0], [0]])
        #expect(try engine.read { try $0.value(for: [1]) } == [7])
    }

    func neverShowsHalfABatchToReaders() async throws {
        let directory = TemporaryDirectory()
        let engine = try open(directory.path)
        defer { engine.close() }
        try await engine.write { writer in for index in 0..<16 { try writer.put([0], for: [UInt8(index)]) } }
        let done = Mutex(false)
        async let torn: Int = onThread {
            var torn = 0
            while !done.withLock({ $0 }) {
                let values = try engine.read { reader in
                    try (0..<16).map { try reader.value(for: [UInt8($0)]) }
                }
                if Set(values.map { $0 ?? [] }).count != 1 { torn += 1 }
            }
            return torn
        }
        for round in 1...50 {
            try await engine.write { writer in
                for index in 0..<16 { try writer.put([UInt8(round)], for: [UInt8(index)]) }
            }
        }
        done.withLock { $0 = true }
        let tornReads = try await torn
        #expect(tornReads == 0)
    }

    func scansInOrderLikeASortedArray() async throws {
        let directory = TemporaryDirectory()
        let engine = try open(directory.path)
        defer { engine.close() }
        let seed = UInt64(0x5CA9)
        var random = SeededGenerator(seed: seed)
        var model: Set<[UInt8]> = [
            [0], [0, 0], [255], [255, 255], [UInt8](repeating: 255, count: engine.keyLimitBytes),
        ]
        for _ in 0..<300 {
            model.insert(
                (0..<Int.random(in: 1...4, using: &random)).map { _ in UInt8.random(in: 0...3, using: &random) })
        }
        let sorted = model.sorted { $0.lexicographicallyPrecedes($1) }
        try await engine.write { writer in for key in sorted.shuffled() { try writer.put([1], for: key) } }
        #expect(try keys(engine) == sorted)
        #expect(try keys(engine, reverse: true) == sorted.reversed())
        #expect(try keys(engine, limit: 3) == Array(sorted.prefix(3)))
        let long = [UInt8](repeating: 255, count: engine.keyLimitBytes + 40)
        for _ in 0..<200 {
            var bounds = (0..<2).map { _ in
                (0..<Int.random(in: 0...4, using: &random)).map { _ in UInt8.random(in: 0...4, using: &random) }
            }
            if Int.random(in: 0..<10, using: &random) == 0 { bounds[1] = long }
            let (from, upTo) = (bounds[0], bounds[1])
            let expected = sorted.filter {
                !$0.lexicographicallyPrecedes(from) && $0.lexicographicallyPrecedes(upTo)
            }
            #expect(try keys(engine, from: from, upTo: upTo) == expected, "seed \(seed) \(from)..<\(upTo)")
            #expect(try keys(engine, from: from, upTo: upTo, reverse: true) == expected.reversed())
        }
        #expect(try keys(engine, from: long).isEmpty)
    }

    func deletesARangeAndCountsIt() async throws {
        let directory = TemporaryDirectory()
        let engine = try open(directory.path)
        defer { engine.close() }
        try await engine.write { writer in
            for index in 0..<2000 {
                try writer.put([UInt8](repeating: 1, count: 100), for: [UInt8(index >> 8), UInt8(index & 255)])
            }
        }
        let count = Mutex(0)
        try await engine.write { writer in
            let deleted = try writer.deleteRange(from: [1, 0], upTo: [7, 0])
            count.withLock { $0 = deleted }
            let gone = try writer.value(for: [3, 3])
            #expect(gone == nil)
        }
        #expect(count.withLock { $0 } == 6 * 256)
        #expect(try keys(engine).count == 2000 - 6 * 256)
        #expect(try keys(engine, from: [0, 255]).prefix(2) == [[0, 255], [7, 0]])
        try await engine.write { try $0.deleteRange(from: [], upTo: nil) }
        #expect(try keys(engine).isEmpty)
    }

    func refusesKeysItCannotHold() async throws {
        let directory = TemporaryDirectory()
        let engine = try open(directory.path)
        defer { engine.close() }
        let longest = [UInt8](repeating: 5, count: engine.keyLimitBytes)
        try await engine.write { try $0.put([1], for: longest) }
        #expect(try engine.read { try $0.value(for: longest) } == [1])
        for bad in [[], longest + [5]] {
            let error = await #expect(throws: StorageError.self) {
                try await engine.write { try $0.put([1], for: bad) }
            }
            #expect(error?.code == .invalidKey)
            let readError = #expect(throws: StorageError.self) { try engine.read { try $0.value(for: bad) } }
            #expect(readError?.code == .invalidKey)
        }
    }

    func refusesChangesInsideAScan() async throws {
        let directory = TemporaryDirectory()
        let engine = try open(directory.path)
        defer { engine.close() }
        try await engine.write { try $0.put([1], for: [1]) }
        let error = await #expect(throws: StorageError.self) {
            try await engine.write { writer in
                try writer.scan(from: [], upTo: nil) { _, _ in
                    try writer.delete([1])
                    return true
                }
            }
        }
        #expect(error?.code == .invalidState)
        #expect(try keys(engine) == [[1]])
    }

    func refusesUseAfterTheClosureEnded() async throws {
        let directory = TemporaryDirectory()
        let engine = try open(directory.path)
        defer { engine.close() }
        let escaped = try engine.read { $0 }
        let error = #expect(throws: StorageError.self) { try escaped.value(for: [1]) }
        #expect(error?.code == .invalidState)
    }

    func keepsEverythingOverAReopen() async throws {
        let directory = TemporaryDirectory()
        let engine = try open(directory.path)
        for index in 0..<20 {
            try await engine.write { try $0.put([UInt8](repeating: UInt8(index), count: 16_368), for: [UInt8(index)]) }
        }
        engine.close()
        engine.close()
        let readError = #expect(throws: StorageError.self) { try engine.read { try $0.value(for: [1]) } }
        #expect(readError?.code == .closed)
        let writeError = await #expect(throws: StorageError.self) {
            try await engine.write { try $0.put([1], for: [1]) }
        }
        #expect(writeError?.code == .closed)
        let again = try open(directory.path)
        defer { again.close() }
        #expect(try keys(again).count == 20)
        #expect(try again.read { try $0.value(for: [7]) } == [UInt8](repeating: 7, count: 16_368))
    }

    func copiesConsistentlyWhileWriting() async throws {
        let directory = TemporaryDirectory()
        let engine = try open(directory.path)
        defer { engine.close() }
        let done = Mutex(false)
        async let rounds: Int = {
            var round = 0
            while !done.withLock({ $0 }) {
                round += 1
                let value = [UInt8](repeating: UInt8(round & 255), count: 3000)
                try await engine.write { writer in
                    for index in 0..<40 { try writer.put(value, for: [UInt8(index)]) }
                }
            }
            return round
        }()
        for copy in 0..<5 {
            let target = "\(directory.path)/copy-\(copy)"
            try await onThread { try engine.checkpoint(to: target) }
            let opened = try open(target)
            let values = try opened.read { reader in
                var values: Set<[UInt8]> = []
                try reader.scan(from: [], upTo: nil) { _, value in
                    values.insert(value.withUnsafeBytes { Array($0) })
                    return true
                }
                return values
            }
            #expect(values.count <= 1)
            opened.close()
            #expect(throws: StorageError.self) { try engine.checkpoint(to: target) }
        }
        done.withLock { $0 = true }
        let roundCount = try await rounds
        #expect(roundCount > 0)
    }
}
