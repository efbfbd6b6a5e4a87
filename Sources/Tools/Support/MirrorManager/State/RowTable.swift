// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorWire

/// The encoded rows of all mirrors, in the order of their keys, in chunks.
///
/// Changing a row costs O(log n) and a chunk's array; a reader takes a snapshot without copying rows.
struct RowTable: Sendable {
    /// Neighbouring rows; whenever one of them changes the chunk gets another id.
    struct Chunk: Sendable {
        fileprivate(set) var id: UInt64
        fileprivate(set) var keys: [MirrorKey]
        fileprivate(set) var rows: [[UInt8]]
    }

    /// What a reader sees.
    struct Snapshot: Sendable {
        /// Grows with each change.
        let generation: UInt64
        let chunks: [Chunk]
    }

    /// A chunk with more rows is cut in two.
    static let maximumChunkRows = 128

    private var chunks: [Chunk] = []
    private var generation: UInt64 = 0
    private(set) var count = 0

    var snapshot: Snapshot { Snapshot(generation: generation, chunks: chunks) }

    /// Sets the row of a mirror.
    mutating func set(_ row: [UInt8], for key: MirrorKey) {
        generation += 1
        guard !chunks.isEmpty else {
            chunks = [Chunk(id: generation, keys: [key], rows: [row])]
            count = 1
            return
        }
        let index = chunkIndex(of: key)
        chunks[index].id = generation
        let position = Self.position(of: key, in: chunks[index].keys)
        if position < chunks[index].keys.count, chunks[index].keys[position] == key {
            chunks[index].rows[position] = row
            return
        }
        chunks[index].keys.insert(key, at: position)
        chunks[index].rows.insert(row, at: position)
        count += 1
        if chunks[index].keys.count > Self.maximumChunkRows { split(index) }
    }

    /// Removes the row of a mirror, if there is one.
    mutating func remove(_ key: MirrorKey) {
        guard !chunks.isEmpty else { return }
        let index = chunkIndex(of: key)
        let position = Self.position(of: key, in: chunks[index].keys)
        guard position < chunks[index].keys.count, chunks[index].keys[position] == key else { return }
        generation += 1
        count -= 1
        chunks[index].id = generation
        chunks[index].keys.remove(at: position)
        chunks[index].rows.remove(at: position)
        if chunks[index].keys.isEmpty { chunks.remove(at: index) }
    }

    private mutating func split(_ index: Int) {
        let middle = chunks[index].keys.count / 2
        generation += 1
        let tail = Chunk(
            id: generation, keys: Array(chunks[index].keys[middle...]), rows: Array(chunks[index].rows[middle...]))
        chunks[index].keys.removeSubrange(middle...)
        chunks[index].rows.removeSubrange(middle...)
        chunks.insert(tail, at: index + 1)
    }

    /// The last chunk whose first key is not behind the key.
    private func chunkIndex(of key: MirrorKey) -> Int {
        var (low, high) = (0, chunks.count)
        while low < high {
            let middle = (low + high) / 2
            if chunks[middle].keys[0] <= key { low = middle + 1 } else { high = middle }
        }
        return max(0, low - 1)
    }

    private static func position(of key: MirrorKey, in keys: [MirrorKey]) -> Int {
        var (low, high) = (0, keys.count)
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
