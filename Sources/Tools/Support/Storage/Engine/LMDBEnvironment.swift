// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CLMDB
internal import Synchronization

/// An open LMDB file.
///
/// Writing transactions begin and end on the engine's one writer thread: LMDB 0.9 never gives its writer lock free when a
/// transaction is committed on another thread than the one it was begun on.
///
/// `@unchecked Sendable`: LMDB's environment may be used from many threads at once (it is opened with `MDB_NOTLS`), except for
/// closing it and resizing its map, which happen alone behind the gate; everything else stored is immutable or locked.
final class LMDBEnvironment: @unchecked Sendable {
    /// The version of the layout inside the file that this code writes, and the newest that it reads.
    static let formatVersion: UInt32 = 1

    /// How much room there must be for a failed write not to count as a full disk.
    private static let probeBytes: UInt64 = 1024 * 1024

    private static let entriesName = "entries"
    private static let engineName = "engine"
    private static let formatKey = Array("format".utf8)

    let directory: String
    private let options: LMDBOptions
    private let environment: OpaquePointer
    private let entries: MDB_dbi
    private let gate = ReadWriteGate()
    private let isClosed = Atomic<Bool>(false)
    private let commits = Atomic<UInt64>(0)

    /// Opens the file in a directory, or makes a new one.
    init(directory: String, options: LMDBOptions) throws(StorageError) {
        try FileOperations.makeDirectories(directory)
        self.directory = directory
        self.options = options
        var handle: OpaquePointer?
        try LMDBFailure.check(mdb_env_create(&handle), "prepare the engine", path: directory)
        guard let handle else { throw LMDBFailure.error(MDB_INVALID, "prepare the engine", path: directory) }
        do throws(StorageError) {
            entries = try Self.open(handle, directory, options)
        } catch {
            mdb_env_close(handle)
            throw error
        }
        environment = handle
    }

    deinit {
        close()
    }

    // MARK: Commands

    /// Runs a closure on a snapshot.
    func read<R>(_ body: (any KeyValueReader) throws -> R) throws -> R {
        try gate.shared { () throws in
            let transaction = LMDBTransaction(
                try begin(UInt32(bitPattern: MDB_RDONLY)), entries: entries, path: directory)
            defer { if let ended = transaction.finish() { mdb_txn_abort(ended) } }
            return try body(transaction)
        }
    }

    /// Runs a closure as a batch, on the writer thread only; grows the map and runs it again when the map is full.
    func write(_ body: (any KeyValueWriter) throws -> Void) throws {
        do {
            while try !attempt(body) {
                try grow()
            }
        } catch let error as StorageError where error.isInputOutputError {
            // LMDB answers EIO when the system writes a part only, which is how a disk begins to be full.
            throw fullDisk() ?? error
        }
        commits.wrappingAdd(1, ordering: .relaxed)
    }

    func checkpoint(to target: String) throws(StorageError) {
        try FileOperations.makeDirectories(target)
        let copy = target + "/" + LMDBEngine.fileName
        try gate.shared { () throws(StorageError) in
            try requireOpen()
            let code = mdb_env_copy2(environment, target, 0)
            guard code == MDB_SUCCESS else {
                // What is left of a copy that failed is in nobody's way once its name is gone; an older store stays.
                if code != FileDescriptor.fileExistsError { try? FileOperations.remove(copy) }
                throw LMDBFailure.error(code, "copy the engine to \(target)", path: directory)
            }
        }
        let file = try FileDescriptor.open(copy, FileDescriptor.readOnly)
        try file.synchronize()
        try FileOperations.synchronizeDirectory(target)
    }

    func statistics() throws(StorageError) -> EngineStatistics {
        try gate.shared { () throws(StorageError) in
            let transaction = try begin(UInt32(bitPattern: MDB_RDONLY))
            defer { mdb_txn_abort(transaction) }
            var status = MDB_stat()
            try LMDBFailure.check(mdb_stat(transaction, entries, &status), "count", path: directory)
            var info = MDB_envinfo()
            try LMDBFailure.check(mdb_env_info(environment, &info), "count", path: directory)
            return EngineStatistics(
                entries: status.ms_entries, usedBytes: (info.me_last_pgno + 1) * Int(status.ms_psize),
                capacityBytes: info.me_mapsize, commits: commits.load(ordering: .relaxed))
        }
    }

    /// Closes the file when all snapshots are over; further calls do nothing.
    func close() {
        gate.alone {
            if !isClosed.exchange(true, ordering: .acquiringAndReleasing) { mdb_env_close(environment) }
        }
    }

    // MARK: Private

    private func requireOpen() throws(StorageError) {
        if isClosed.load(ordering: .acquiring) {
            throw StorageError(.closed, "the engine \(directory) is closed", path: directory)
        }
    }

    private func begin(_ flags: UInt32) throws(StorageError) -> OpaquePointer {
        try requireOpen()
        var transaction: OpaquePointer?
        try LMDBFailure.check(
            mdb_txn_begin(environment, nil, flags, &transaction), "begin a transaction", path: directory)
        guard let transaction else { throw LMDBFailure.error(MDB_INVALID, "begin a transaction", path: directory) }
        return transaction
    }

    /// Tries a batch once; returns false when it failed because the map is full.
    private func attempt(_ body: (any KeyValueWriter) throws -> Void) throws -> Bool {
        try gate.shared { () throws in
            let transaction = LMDBTransaction(try begin(0), entries: entries, path: directory)
            do {
                try body(transaction)
            } catch {
                if let ended = transaction.finish() { mdb_txn_abort(ended) }
                if transaction.ranOutOfMap { return false }
                throw error
            }
            guard let ended = transaction.finish() else { return true }
            if transaction.ranOutOfMap {
                mdb_txn_abort(ended)
                return false
            }
            let code = mdb_txn_commit(ended)
            if code == MDB_MAP_FULL { return false }
            try LMDBFailure.check(code, "commit a batch", path: directory)
            return true
        }
    }

    /// Asks the system for a little more room behind the file's end; returns the error when that shows that there is none.
    private func fullDisk() -> StorageError? {
        do throws(StorageError) {
            let file = try FileDescriptor.open(directory + "/" + LMDBEngine.fileName, FileDescriptor.readWrite)
            let size = try file.size()
            try file.allocate(Self.probeBytes, at: size)
            try file.truncate(to: size)
            return nil
        } catch {
            return error.code == .diskFull ? error : nil
        }
    }

    /// Doubles the map, as far as the options allow.
    private func grow() throws(StorageError) {
        try gate.alone { () throws(StorageError) in
            try requireOpen()
            var info = MDB_envinfo()
            try LMDBFailure.check(mdb_env_info(environment, &info), "grow the map", path: directory)
            let size = min(max(info.me_mapsize, 1 << 20) * 2, options.maximumMapBytes)
            guard size > info.me_mapsize else {
                throw StorageError(
                    .limitExceeded,
                    "the engine \(directory) is full: its map has \(info.me_mapsize) bytes, the limit is "
                        + "\(options.maximumMapBytes); raise the limit or delete something", path: directory)
            }
            try LMDBFailure.check(mdb_env_set_mapsize(environment, size), "grow the map", path: directory)
        }
    }

    private static func open(
        _ environment: OpaquePointer, _ directory: String, _ options: LMDBOptions
    ) throws(StorageError) -> MDB_dbi {
        try LMDBFailure.check(mdb_env_set_mapsize(environment, options.mapBytes), "set the map size", path: directory)
        try LMDBFailure.check(
            mdb_env_set_maxreaders(environment, UInt32(clamping: options.maximumReaders)), "set the readers",
            path: directory)
        try LMDBFailure.check(mdb_env_set_maxdbs(environment, 2), "set the tables", path: directory)
        try LMDBFailure.check(
            mdb_env_open(environment, directory, UInt32(bitPattern: MDB_NOTLS), 0o600), "open the engine",
            path: directory)
        // Slots of readers that were killed would keep their pages from being used again; none of them is needed to open.
        _ = mdb_reader_check(environment, nil)
        if let entries = try openTables(environment, directory, creates: false) { return entries }
        guard let entries = try openTables(environment, directory, creates: true) else {
            throw LMDBFailure.error(MDB_INVALID, "make the tables", path: directory)
        }
        return entries
    }

    /// Opens the two tables and checks the version; returns nothing when the file is new and they shall not be made.
    private static func openTables(
        _ environment: OpaquePointer, _ directory: String, creates: Bool
    ) throws(StorageError) -> MDB_dbi? {
        var handle: OpaquePointer?
        let mode = creates ? 0 : UInt32(bitPattern: MDB_RDONLY)
        try LMDBFailure.check(mdb_txn_begin(environment, nil, mode, &handle), "open the tables", path: directory)
        guard let transaction = handle else { throw LMDBFailure.error(MDB_INVALID, "open the tables", path: directory) }
        var isEnded = false
        defer { if !isEnded { mdb_txn_abort(transaction) } }
        let flags = creates ? UInt32(bitPattern: MDB_CREATE) : 0
        var engine: MDB_dbi = 0
        var entries: MDB_dbi = 0
        let code = mdb_dbi_open(transaction, engineName, flags, &engine)
        if code == MDB_NOTFOUND && !creates {
            try requireEmpty(transaction, directory)
            return nil
        }
        try LMDBFailure.check(code, "open the tables", path: directory)
        if creates { try writeFormat(transaction, engine, directory) }
        try checkFormat(transaction, engine, directory)
        try LMDBFailure.check(
            mdb_dbi_open(transaction, entriesName, flags, &entries), "open the tables", path: directory)
        isEnded = true
        try LMDBFailure.check(mdb_txn_commit(transaction), "open the tables", path: directory)
        return entries
    }

    private static func requireEmpty(_ transaction: OpaquePointer, _ directory: String) throws(StorageError) {
        var main: MDB_dbi = 0
        var status = MDB_stat()
        try LMDBFailure.check(mdb_dbi_open(transaction, nil, 0, &main), "open the file", path: directory)
        try LMDBFailure.check(mdb_stat(transaction, main, &status), "open the file", path: directory)
        guard status.ms_entries == 0 else {
            throw StorageError(
                .corruptEngine, "\(directory) holds an LMDB file of another program; give another directory",
                path: directory)
        }
    }

    private static func writeFormat(
        _ transaction: OpaquePointer, _ engine: MDB_dbi, _ directory: String
    ) throws(StorageError) {
        var version = formatVersion.littleEndian
        let code = withUnsafeMutableBytes(of: &version) { bytes in
            var data = MDB_val(mv_size: bytes.count, mv_data: bytes.baseAddress)
            return withFormatKey { key in mdb_put(transaction, engine, &key, &data, 0) }
        }
        try LMDBFailure.check(code, "write the format version", path: directory)
    }

    private static func checkFormat(
        _ transaction: OpaquePointer, _ engine: MDB_dbi, _ directory: String
    ) throws(StorageError) {
        var data = MDB_val()
        let code = withFormatKey { key in mdb_get(transaction, engine, &key, &data) }
        try LMDBFailure.check(code, "read the format version", path: directory)
        guard data.mv_size == 4, let bytes = data.mv_data else {
            throw StorageError(.corruptEngine, "the format version in \(directory) is no number", path: directory)
        }
        let version = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
        guard version <= formatVersion else {
            throw StorageError(
                .versionTooNew,
                "the engine \(directory) has format \(version), this program reads up to \(formatVersion); "
                    + "start a newer version of it", path: directory)
        }
    }

    private static func withFormatKey(_ body: (inout MDB_val) -> Int32) -> Int32 {
        formatKey.withUnsafeBytes { bytes in
            var key = MDB_val(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
            return body(&key)
        }
    }
}
