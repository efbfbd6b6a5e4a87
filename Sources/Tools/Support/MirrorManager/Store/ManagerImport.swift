// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import AsyncHTTPClient
package import MirrorConfig
internal import MirrorWire
internal import NIOCore
internal import NIOHTTP1
internal import SyncJobs

/// Takes over the records of another manager, tunasync's or ours.
package enum ManagerImport {
    /// What an import did.
    package struct Summary: Hashable, Sendable {
        /// Workers that were taken over.
        package var workers = 0
        /// Mirrors that were taken over.
        package var mirrors = 0
        /// Records that were there already and stay.
        package var kept = 0
        /// Records that cannot be used: nameless ones, and names that nobody may have.
        package var unusable = 0
    }

    /// The longest answer of a manager: 64 MiB.
    static let maximumAnswerBytes = 64 << 20
    /// How long an answer may take.
    static let timeout: TimeAmount = .seconds(60)

    /// Reads what a running manager knows: `GET /workers`, then `GET /workers/:id/jobs` of each.
    ///
    /// - Parameter manager: the manager.
    /// - Returns: its records; tokens, which it does not tell, are empty.
    /// - Throws: ``StoreError`` when it cannot be reached or answers with something else.
    package static func records(of manager: ManagerAddress) async throws -> StoredRecords {
        let client = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: HTTPClient.Configuration(
                tlsConfiguration: try ClientTLS.configuration(manager.tls), redirectConfiguration: .disallow))
        do {
            let records = try await records(of: manager, client)
            try await client.shutdown()
            return records
        } catch {
            // The first error is the one to tell.
            try? await client.shutdown()
            throw error
        }
    }

    /// Reads what a manager keeps in Redis.
    ///
    /// - Parameters:
    ///   - url: `redis://[user[:password]@]host[:port][/number]`.
    ///   - password: takes the place of the URL's.
    /// - Returns: its records.
    /// - Throws: ``StoreError``.
    package static func records(ofRedis url: String, password: String?) async throws -> StoredRecords {
        let store = try await RedisStore.open(url, password: password)
        do {
            let records = try await store.load()
            await store.close()
            return records
        } catch {
            await store.close()
            throw error
        }
    }

    /// Writes records into a store; what the store has already stays.
    ///
    /// - Parameters:
    ///   - records: the records.
    ///   - store: the store of a manager that does not run.
    /// - Returns: what was done.
    /// - Throws: what the store throws; nothing was written then.
    package static func write(_ records: StoredRecords, to store: any ManagerStore) async throws -> Summary {
        let present = try await store.load()
        let knownWorkers = Set(present.workers.map(\.worker.id))
        let knownMirrors = Set(present.mirrors.map(\.key))
        var summary = Summary()
        summary.unusable = records.unreadable
        var batch = StoreBatch(keptRuns: ManagerSettings.standardHistoryRuns)
        for record in records.workers {
            guard WorkerRecord.isID(record.worker.id) else {
                summary.unusable += 1
                continue
            }
            guard !knownWorkers.contains(record.worker.id) else {
                summary.kept += 1
                continue
            }
            var record = record
            if record.worker.token == Worker.redacted { record.worker.token = "" }
            batch.workers[record.worker.id] = record
            summary.workers += 1
        }
        for record in records.mirrors {
            guard JobName(record.status.name) != nil, WorkerRecord.isID(record.status.worker) else {
                summary.unusable += 1
                continue
            }
            guard !knownMirrors.contains(record.key) else {
                summary.kept += 1
                continue
            }
            batch.mirrors[record.key] = record
            summary.mirrors += 1
        }
        if !batch.isEmpty { try await store.apply(batch) }
        return summary
    }

    private static func records(of manager: ManagerAddress, _ client: HTTPClient) async throws -> StoredRecords {
        var records = StoredRecords()
        let workers: [Worker] = try await list("/workers", manager, client)
        for worker in workers {
            records.workers.append(WorkerRecord(worker: worker))
            guard WorkerRecord.isID(worker.id) else { continue }
            let path = "/workers/\(PercentCoding.encode(worker.id))/jobs"
            let statuses: [MirrorStatus] = try await list(path, manager, client)
            for status in statuses {
                var status = status
                status.worker = worker.id
                records.mirrors.append(MirrorRecord(status: status))
            }
        }
        return records
    }

    private static func list<Document: WireDocument>(
        _ path: String, _ manager: ManagerAddress, _ client: HTTPClient
    ) async throws -> [Document] {
        var request = HTTPClientRequest(url: manager.baseURL + path)
        if let token = manager.token { request.headers.add(name: "Authorization", value: "Bearer \(token.value)") }
        do {
            let response = try await client.execute(request, timeout: timeout)
            let body = try await response.body.collect(upTo: maximumAnswerBytes)
            guard response.status == .ok else {
                throw StoreError(.refused, "the manager answered \(response.status.code) to GET \(path)")
            }
            var limits = JSONLimits(maximumBytes: maximumAnswerBytes)
            limits.maximumValues = 4_000_000
            return try [Document](json: Array(body.readableBytesView), limits: limits)
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(.unavailable, "GET \(path) of the manager failed", cause: error)
        }
    }
}
