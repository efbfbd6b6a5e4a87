// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import MirrorWire
package import Storage

/// Keeps records in an ordered key-value engine.
///
///     key = "v"                                             ; the layout's version
///         / "w" worker
///         / "m" name NUL worker
///         / "r" name NUL worker NUL seconds(8) nanoseconds(4) run(8)   ; big-endian, the sign of seconds flipped
package final class EngineStore: ManagerStore {
    /// The version of the layout.
    static let layoutVersion: UInt8 = 1

    private static let versionKey: [UInt8] = [UInt8(ascii: "v")]
    private static let workerPrefix: [UInt8] = [UInt8(ascii: "w")]
    private static let mirrorPrefix: [UInt8] = [UInt8(ascii: "m")]

    private let engine: any KeyValueEngine
    private let lock: DirectoryLock?

    /// Uses an engine.
    ///
    /// - Parameters:
    ///   - engine: the engine; the store closes it.
    ///   - lock: what keeps other processes away from it; the store gives it back.
    /// - Throws: ``StoreError`` with `foreign` when something else is in it.
    package init(_ engine: any KeyValueEngine, lock: DirectoryLock? = nil) async throws {
        self.engine = engine
        self.lock = lock
        let version = try engine.read { try $0.value(for: Self.versionKey) }
        guard version == nil || version == [Self.layoutVersion] else {
            throw StoreError(.foreign, "the database is of another version of the program; give this one another path")
        }
        if version == nil {
            guard try engine.statistics().entries == 0 else {
                throw StoreError(.foreign, "the database is not a manager's; give this one another path")
            }
            try await engine.write { try $0.put([Self.layoutVersion], for: Self.versionKey) }
        }
    }

    /// Opens a store in a directory, or makes a new one.
    ///
    /// - Parameter directory: where it is.
    /// - Returns: the open store.
    /// - Throws: ``StorageError``, ``StoreError``.
    package static func open(directory: String) async throws -> EngineStore {
        let lock = try DirectoryLock.acquire(directory: directory)
        return try await EngineStore(try LMDBEngine.open(directory: directory), lock: lock)
    }

    package func load() async throws -> StoredRecords {
        try engine.read { reader in
            var records = StoredRecords()
            try reader.scan(from: Self.workerPrefix, upTo: [UInt8(ascii: "x")]) { _, value in
                if let record: WorkerRecord = Self.record(value) {
                    records.workers.append(record)
                } else {
                    records.unreadable += 1
                }
                return true
            }
            try reader.scan(from: Self.mirrorPrefix, upTo: [UInt8(ascii: "n")]) { _, value in
                if let record: MirrorRecord = Self.record(value) {
                    records.mirrors.append(record)
                } else {
                    records.unreadable += 1
                }
                return true
            }
            return records
        }
    }

    package func apply(_ batch: StoreBatch) async throws {
        try await engine.write { writer in
            for (id, record) in batch.workers {
                let key = Self.workerPrefix + Array(id.utf8)
                if let record { try writer.put(record.json, for: key) } else { try writer.delete(key) }
            }
            for (mirror, record) in batch.mirrors {
                let key = Self.mirrorPrefix + Self.bytes(mirror)
                if let record {
                    try writer.put(record.json, for: key)
                } else {
                    try writer.delete(key)
                    let prefix = Self.runPrefix(mirror)
                    try writer.deleteRange(from: prefix, upTo: Self.end(of: prefix))
                }
            }
            for run in batch.runs {
                try writer.put(run.record.json, for: Self.key(of: run))
                try Self.prune(run.key, to: batch.keptRuns, writer)
            }
        }
    }

    package func runs(of key: MirrorKey, limit: Int) async throws -> [RunRecord] {
        guard limit > 0 else { return [] }
        let prefix = Self.runPrefix(key)
        return try engine.read { reader in
            var runs: [RunRecord] = []
            try reader.scan(from: prefix, upTo: Self.end(of: prefix), reverse: true) { _, value in
                if let run: RunRecord = Self.record(value) { runs.append(run) }
                return runs.count < limit
            }
            return runs
        }
    }

    package func close() async {
        engine.close()
        lock?.close()
    }

    private static func prune(_ mirror: MirrorKey, to kept: Int, _ writer: any KeyValueWriter) throws {
        let prefix = runPrefix(mirror)
        var count = 0
        var oldest: [UInt8]?
        try writer.scan(from: prefix, upTo: end(of: prefix), reverse: true) { key, _ in
            count += 1
            guard count > kept else { return true }
            oldest = key.withUnsafeBytes { Array($0) }
            return false
        }
        guard let oldest else { return }
        try writer.deleteRange(from: prefix, upTo: oldest + [0])
    }

    private static func record<Record: WireDocument>(_ value: RawSpan) -> Record? {
        // What cannot be read is counted by the caller; the other records are still of use.
        try? Record(json: value.withUnsafeBytes { Array($0) })
    }

    private static func bytes(_ mirror: MirrorKey) -> [UInt8] {
        Array(mirror.name.utf8) + [0] + Array(mirror.worker.utf8)
    }

    private static func runPrefix(_ mirror: MirrorKey) -> [UInt8] { [UInt8(ascii: "r")] + bytes(mirror) + [0] }

    /// The first key behind all that begin with a prefix that ends in NUL.
    private static func end(of prefix: [UInt8]) -> [UInt8] { prefix.dropLast() + [1] }

    private static func key(of run: StoreBatch.Run) -> [UInt8] {
        var key = runPrefix(run.key)
        append(UInt64(bitPattern: run.record.started.seconds) ^ (1 << 63), count: 8, to: &key)
        append(UInt64(run.record.started.nanoseconds), count: 4, to: &key)
        append(run.record.run, count: 8, to: &key)
        return key
    }

    private static func append(_ value: UInt64, count: Int, to key: inout [UInt8]) {
        for shift in stride(from: (count - 1) * 8, through: 0, by: -8) {
            key.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }
}
