// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import MirrorConfig

/// Opens the store that a configuration names.
package enum ManagerStores {
    /// Opens a store.
    ///
    /// - Parameter database: what keeps the records.
    /// - Returns: the open store.
    /// - Throws: ``StoreError`` or `StorageError`, in words for an administrator.
    package static func open(
        _ database: ManagerSettings.Database
    ) async throws -> any ManagerStore {
        switch database {
        case .memory: return MemoryStore()
        case .lmdb(let path): return try await EngineStore.open(directory: path)
        case .postgresql(let connection, let password):
            return try await PostgresStore.open(connection, password: password?.value)
        case .redis(let url, let password): return try await RedisStore.open(url, password: password?.value)
        }
    }
}
