// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CLMDB

/// Turns LMDB's results into errors.
enum LMDBFailure {
    /// Throws when a result is none of success.
    static func check(_ code: Int32, _ operation: String, path: String) throws(StorageError) {
        if code != MDB_SUCCESS { throw error(code, operation, path: path) }
    }

    /// Describes a result that is not success.
    static func error(_ code: Int32, _ operation: String, path: String) -> StorageError {
        let text = mdb_strerror(code).map { String(cString: $0) } ?? "code \(code)"
        let message = "could not \(operation) in \(path): \(text)"
        switch code {
        case MDB_NOTFOUND:
            return StorageError(.notFound, message, path: path)
        case MDB_VERSION_MISMATCH:
            return StorageError(.versionTooNew, "\(message); the file is of another version of LMDB", path: path)
        case MDB_INVALID, MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_PANIC, MDB_BAD_TXN:
            return StorageError(
                .corruptEngine, "\(message); stop the program, and restore the file from a copy if that does not help",
                path: path)
        case MDB_BAD_VALSIZE:
            return StorageError(.invalidKey, message, path: path)
        case MDB_MAP_FULL:
            return StorageError(.limitExceeded, "\(message); raise the maximum map size", path: path)
        case MDB_READERS_FULL, MDB_TXN_FULL, MDB_CURSOR_FULL, MDB_DBS_FULL, MDB_TLS_FULL, MDB_PAGE_FULL:
            return StorageError(.limitExceeded, message, path: path)
        case 1...:
            return .system(code, operation, path: path)
        default:
            return StorageError(.io, message, path: path)
        }
    }
}
