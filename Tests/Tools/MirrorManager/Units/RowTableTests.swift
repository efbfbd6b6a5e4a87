// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import MirrorManager
import MirrorWire
import NIOCore
import TestSupport
import Testing

@Suite struct RowTableTests {
    @Test func rowsAreAlwaysAsASortedDictionaryHasThem() {
        var generator = SeededGenerator(seed: 3)
        var table = RowTable()
        var model: [MirrorKey: [UInt8]] = [:]
        let cache = DocumentCache()
        for step in 0..<6_000 {
            let key = MirrorKey(
                name: "m\(Int.random(in: 0..<700, using: &generator))",
                worker: "w\(Int.random(in: 0..<3, using: &generator))")
            if Int.random(in: 0..<10, using: &generator) < 7 {
                let row = Array("{\"n\":\"\(key.name)\",\"s\":\(step)}".utf8)
                table.set(row, for: key)
                model[key] = row
            } else {
                table.remove(key)
                model[key] = nil
            }
            guard step % 500 == 0 || step == 5_999 else { continue }
            let snapshot = table.snapshot
            #expect(table.count == model.count)
            let sorted = model.sorted { $0.key < $1.key }
            #expect(snapshot.chunks.flatMap(\.keys) == sorted.map(\.key))
            #expect(snapshot.chunks.allSatisfy { $0.keys.count <= RowTable.maximumChunkRows && !$0.keys.isEmpty })
            let expected = "[" + sorted.map { String(decoding: $0.value, as: UTF8.self) }.joined(separator: ",") + "]"
            #expect(String(buffer: cache.plain(snapshot)) == expected)
        }
    }

    @Test func aSnapshotDoesNotChange() {
        var table = RowTable()
        table.set([1], for: MirrorKey(name: "a", worker: "w"))
        let before = table.snapshot
        table.set([2], for: MirrorKey(name: "a", worker: "w"))
        #expect(before.chunks.map(\.rows) == [[[1]]])
        #expect(before.generation != table.snapshot.generation)
    }
}
