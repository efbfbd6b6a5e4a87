// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import MirrorWire

/// Keeps records in Redis, where tunasync's manager keeps them: the hash `workers` by id, the hash `mirror_status` by
/// `mirror/worker`, each value JSON with members of our own that tunasync ignores. The runs of a mirror are a hash of their own.
///
/// How much of what was written outlives a crash of the server is a matter of the server's `appendfsync`.
package actor RedisStore: ManagerStore {
    private static let workersKey = Array("workers".utf8)
    private static let mirrorsKey = Array("mirror_status".utf8)

    /// Removes the oldest fields of a hash: KEYS[1] the hash, ARGV[1] how many stay.
    private static let pruneScript = Array(
        """
        local fields = redis.call('HKEYS', KEYS[1])
        local surplus = #fields - tonumber(ARGV[1])
        if surplus <= 0 then return 0 end
        table.sort(fields)
        for index = 1, surplus do redis.call('HDEL', KEYS[1], fields[index]) end
        return surplus
        """.utf8)

    private let target: RedisLink.Target
    private var link: RedisLink?
    private var isClosed = false

    private init(_ target: RedisLink.Target) { self.target = target }

    /// Connects to a server.
    ///
    /// - Parameters:
    ///   - url: `redis://[user[:password]@]host[:port][/number]`, or `rediss://…` for TLS.
    ///   - password: takes the place of the URL's.
    /// - Returns: the open store.
    /// - Throws: ``StoreError``.
    package static func open(_ url: String, password: String?) async throws -> RedisStore {
        let store = RedisStore(try RedisLink.Target(url, password: password))
        _ = try await store.connected().run(["PING"])
        return store
    }

    package func load() async throws -> StoredRecords {
        var records = StoredRecords()
        let link = try await connected()
        for (_, value) in Self.pairs(try await link.run([Array("HGETALL".utf8), Self.workersKey])) {
            if let record = try? WorkerRecord(json: value) {
                records.workers.append(record)
            } else {
                records.unreadable += 1
            }
        }
        for (_, value) in Self.pairs(try await link.run([Array("HGETALL".utf8), Self.mirrorsKey])) {
            // tunasync stores nameless records; they are of no use to anybody.
            if let record = try? MirrorRecord(json: value), !record.status.name.isEmpty {
                records.mirrors.append(record)
            } else {
                records.unreadable += 1
            }
        }
        return records
    }

    package func apply(_ batch: StoreBatch) async throws {
        var commands: [[[UInt8]]] = []
        for (id, record) in batch.workers {
            commands.append(Self.set(Self.workersKey, Array(id.utf8), record?.json))
        }
        for (key, record) in batch.mirrors {
            commands.append(Self.set(Self.mirrorsKey, Self.field(key), record?.json))
            if record == nil { commands.append([Array("DEL".utf8), Self.runsKey(key)]) }
        }
        for run in batch.runs { commands.append(Self.set(Self.runsKey(run.key), Self.field(run), run.record.json)) }
        for key in Set(batch.runs.map(\.key)) {
            commands.append([
                Array("EVAL".utf8), Self.pruneScript, Array("1".utf8), Self.runsKey(key),
                Array(String(batch.keptRuns).utf8),
            ])
        }
        guard !commands.isEmpty else { return }
        try await connected().transaction(commands)
    }

    package func runs(of key: MirrorKey, limit: Int) async throws -> [RunRecord] {
        let answer = try await connected().run([Array("HGETALL".utf8), Self.runsKey(key)])
        let newest = Self.pairs(answer).sorted { $1.field.lexicographicallyPrecedes($0.field) }.prefix(max(0, limit))
        // A run that cannot be read is left out; the others are still of use.
        return newest.compactMap { try? RunRecord(json: $0.value) }
    }

    package func close() async {
        isClosed = true
        let link = self.link
        self.link = nil
        await link?.close()
    }

    /// A connection that stands; a new one when the old one does not.
    private func connected() async throws -> RedisLink {
        if let link, link.isAlive { return link }
        guard !isClosed else { throw StoreError(.closed, "the store is closed") }
        let fresh = try await RedisLink.connect(target)
        // Somebody else may have been faster while this one waited.
        if isClosed || link?.isAlive == true {
            await fresh.close()
            if let link, !isClosed { return link }
            throw StoreError(.closed, "the store is closed")
        }
        link = fresh
        return fresh
    }

    private static func set(_ hash: [UInt8], _ field: [UInt8], _ value: [UInt8]?) -> [[UInt8]] {
        if let value { return [Array("HSET".utf8), hash, field, value] }
        return [Array("HDEL".utf8), hash, field]
    }

    private static func field(_ key: MirrorKey) -> [UInt8] { Array("\(key.name)/\(key.worker)".utf8) }

    private static func runsKey(_ key: MirrorKey) -> [UInt8] { Array("mirror_runs:\(key.name)/\(key.worker)".utf8) }

    /// Sorts as the runs do: beginning, then number, each with as many digits as there can be.
    private static func field(_ run: StoreBatch.Run) -> [UInt8] {
        let started = run.record.started
        let parts = [
            (UInt64(bitPattern: started.seconds) ^ (1 << 63), 16), (UInt64(started.nanoseconds), 8),
            (run.record.run, 16),
        ]
        let digits = parts.map { value, count in
            let text = String(value, radix: 16)
            return String(repeating: "0", count: count - text.utf8.count) + text
        }
        return Array(digits.joined(separator: ".").utf8)
    }

    private static func pairs(_ value: RedisValue) -> [(field: [UInt8], value: [UInt8])] {
        guard case .list(let elements) = value else { return [] }
        return stride(from: 0, to: elements.count - 1, by: 2).compactMap { index in
            guard case .text(let field) = elements[index], case .text(let text) = elements[index + 1] else {
                return nil
            }
            return (field, text)
        }
    }
}
