// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
package import MirrorWire
internal import NIOPosix
internal import Synchronization

/// Keeps records in PostgreSQL: three tables, one connection, one transaction for each batch.
///
/// An advisory lock of the session keeps a second manager away from the same database. After a lost connection the next use
/// makes a new one.
package final class PostgresStore: ManagerStore {
    /// The key of the advisory lock: the bytes of "KuiperMM".
    static let lockKey: Int64 = 0x4B75_6970_6572_4D4D

    /// How often, and with what waits in between, the lock is asked for.
    private static let lockTries = 10
    private static let lockWaitMicroseconds: UInt32 = 200_000

    private static let schema = [
        """
        CREATE TABLE IF NOT EXISTS mirror_manager_workers (
            id text COLLATE "C" PRIMARY KEY, document text NOT NULL)
        """,
        """
        CREATE TABLE IF NOT EXISTS mirror_manager_mirrors (
            name text COLLATE "C", worker text COLLATE "C", document text NOT NULL, PRIMARY KEY (name, worker))
        """,
        """
        CREATE TABLE IF NOT EXISTS mirror_manager_runs (
            name text COLLATE "C", worker text COLLATE "C", seconds bigint, nanoseconds integer, run numeric(20),
            document text NOT NULL, PRIMARY KEY (name, worker, seconds, nanoseconds, run))
        """,
    ]

    /// The connection; only the thread of ``pool`` touches it.
    private struct Session: ~Copyable {
        var link: PostgresLink?
        var isClosed = false
    }

    private let target: PostgresLink.Target
    private let pool: NIOThreadPool
    private let session = Mutex(Session())

    private init(_ target: PostgresLink.Target, _ pool: NIOThreadPool) {
        self.target = target
        self.pool = pool
    }

    /// Connects, and makes the tables when they are not there.
    ///
    /// - Parameters:
    ///   - connection: a connection string of libpq.
    ///   - password: the password, when it is not in the string.
    /// - Returns: the open store.
    /// - Throws: ``StoreError``.
    package static func open(_ connection: String, password: String?) async throws -> PostgresStore {
        // libpq's calls block, so they have a thread of their own.
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        let store = PostgresStore(PostgresLink.Target(connection: connection, password: password), pool)
        do {
            try await store.perform { _ in }
        } catch {
            await store.close()
            throw error
        }
        return store
    }

    package func load() async throws -> StoredRecords {
        try await perform { link throws(StoreError) in
            var records = StoredRecords()
            for row in try link.run("SELECT document FROM mirror_manager_workers") {
                if let record: WorkerRecord = Self.record(row[0]) {
                    records.workers.append(record)
                } else {
                    records.unreadable += 1
                }
            }
            for row in try link.run("SELECT document FROM mirror_manager_mirrors") {
                if let record: MirrorRecord = Self.record(row[0]) {
                    records.mirrors.append(record)
                } else {
                    records.unreadable += 1
                }
            }
            return records
        }
    }

    package func apply(_ batch: StoreBatch) async throws {
        try await perform { link throws(StoreError) in
            try link.transaction { link throws(StoreError) in
                try Self.writeWorkers(batch, link)
                try Self.writeMirrors(batch, link)
                try Self.writeRuns(batch, link)
            }
        }
    }

    package func runs(of key: MirrorKey, limit: Int) async throws -> [RunRecord] {
        try await perform { link throws(StoreError) in
            try link.run(
                """
                SELECT document FROM mirror_manager_runs WHERE name = $1 AND worker = $2
                ORDER BY seconds DESC, nanoseconds DESC, run DESC LIMIT $3::bigint
                """, [key.name, key.worker, String(max(0, limit))]
            ).compactMap { Self.record($0[0]) }
        }
    }

    package func close() async {
        // A pool that is down already has closed the connection.
        try? await pool.runIfActive {
            self.session.withLock { session in
                if let link = session.link.take(), link.isAlive {
                    // Ending the connection gives the lock back as well, but a little later.
                    _ = try? link.run("SELECT pg_advisory_unlock_all()")
                }
                session.isClosed = true
            }
        }
        try? await pool.shutdownGracefully()
    }

    /// Does something on the connection's thread, with a connection that stands.
    private func perform<Result: Sendable>(
        _ body: @escaping @Sendable (borrowing PostgresLink) throws(StoreError) -> Result
    ) async throws -> Result {
        try await pool.runIfActive {
            try self.session.withLock { session throws(StoreError) in
                guard !session.isClosed else { throw StoreError(.closed, "the store is closed") }
                let link: PostgresLink
                if let known = session.link.take(), known.isAlive { link = known } else { link = try self.connect() }
                do throws(StoreError) {
                    let result = try body(link)
                    session.link = .some(consume link)
                    return result
                } catch {
                    // Nobody knows in what state a connection is after a failure; the next use makes another.
                    if error.code == .refused { session.link = .some(consume link) }
                    throw error
                }
            }
        }
    }

    private func connect() throws(StoreError) -> PostgresLink {
        let link = try PostgresLink.connect(target)
        // The server may still be about to notice that the last manager, or the last connection, is gone.
        var triesLeft = Self.lockTries
        while try link.run("SELECT pg_try_advisory_lock($1::bigint)", [String(Self.lockKey)]).first?.first != "t" {
            triesLeft -= 1
            guard triesLeft > 0 else {
                throw StoreError(.unavailable, "another manager uses this database; give this one another")
            }
            usleep(Self.lockWaitMicroseconds)
        }
        for statement in Self.schema { _ = try link.run(statement) }
        return link
    }

    private static func record<Record: WireDocument>(_ document: String?) -> Record? {
        // What cannot be read is counted by the caller; the other records are still of use.
        document.flatMap { try? Record(json: Array($0.utf8)) }
    }

    private static func text(_ document: some WireDocument) -> String { String(decoding: document.json, as: UTF8.self) }
}

extension PostgresStore {
    private static func writeWorkers(_ batch: StoreBatch, _ link: borrowing PostgresLink) throws(StoreError) {
        let kept = batch.workers.compactMap { id, record in record.map { (id, text($0)) } }
        if !kept.isEmpty {
            _ = try link.run(
                """
                INSERT INTO mirror_manager_workers SELECT * FROM unnest($1::text[], $2::text[])
                ON CONFLICT (id) DO UPDATE SET document = excluded.document
                """, [PostgresLink.array(kept.map(\.0)), PostgresLink.array(kept.map(\.1))])
        }
        let gone = batch.workers.filter { $0.value == nil }.map(\.key)
        if !gone.isEmpty {
            _ = try link.run(
                "DELETE FROM mirror_manager_workers WHERE id = ANY($1::text[])", [PostgresLink.array(gone)])
        }
    }

    private static func writeMirrors(_ batch: StoreBatch, _ link: borrowing PostgresLink) throws(StoreError) {
        let kept = batch.mirrors.compactMap { key, record in record.map { (key, text($0)) } }
        if !kept.isEmpty {
            _ = try link.run(
                """
                INSERT INTO mirror_manager_mirrors SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
                ON CONFLICT (name, worker) DO UPDATE SET document = excluded.document
                """, keys(kept.map(\.0)) + [PostgresLink.array(kept.map(\.1))])
        }
        let gone = batch.mirrors.filter { $0.value == nil }.map(\.key)
        guard !gone.isEmpty else { return }
        for table in ["mirror_manager_mirrors", "mirror_manager_runs"] {
            _ = try link.run(
                "DELETE FROM \(table) WHERE (name, worker) IN (SELECT * FROM unnest($1::text[], $2::text[]))",
                keys(gone))
        }
    }

    private static func writeRuns(_ batch: StoreBatch, _ link: borrowing PostgresLink) throws(StoreError) {
        guard !batch.runs.isEmpty else { return }
        // A statement may write a row only once.
        var latest: [[String]: StoreBatch.Run] = [:]
        for run in batch.runs {
            let started = run.record.started
            latest[
                [
                    run.key.name, run.key.worker, String(started.seconds), String(started.nanoseconds),
                    String(run.record.run),
                ]] = run
        }
        let rows = Array(latest)
        var columns = (0..<5).map { column in PostgresLink.array(rows.map { $0.key[column] }) }
        columns.append(PostgresLink.array(rows.map { text($0.value.record) }))
        _ = try link.run(
            """
            INSERT INTO mirror_manager_runs SELECT * FROM
            unnest($1::text[], $2::text[], $3::bigint[], $4::integer[], $5::numeric[], $6::text[])
            ON CONFLICT (name, worker, seconds, nanoseconds, run) DO UPDATE SET document = excluded.document
            """, columns)
        _ = try link.run(
            """
            DELETE FROM mirror_manager_runs WHERE ctid = ANY (ARRAY(
                SELECT place FROM (
                    SELECT ctid AS place, row_number() OVER (
                        PARTITION BY name, worker ORDER BY seconds DESC, nanoseconds DESC, run DESC) AS number
                    FROM mirror_manager_runs
                    WHERE (name, worker) IN (SELECT * FROM unnest($1::text[], $2::text[]))) AS ranked
                WHERE number > $3::bigint))
            """, keys(Array(Set(batch.runs.map(\.key)))) + [String(batch.keptRuns)])
    }

    private static func keys(_ keys: [MirrorKey]) -> [String] {
        [PostgresLink.array(keys.map(\.name)), PostgresLink.array(keys.map(\.worker))]
    }
}
