// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Glibc

/// RocksDB through its C interface, found when the program runs, so that it need not be there to build.
final class RocksDB {
    /// What peers are called by `--require-peer`.
    static let peer = "rocksdb"
    private static let library = "librocksdb.so"

    private typealias Handle = UnsafeMutableRawPointer
    private typealias Failure = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private typealias Make = @convention(c) () -> Handle?
    private typealias Drop = @convention(c) (Handle) -> Void
    private typealias Flag = @convention(c) (Handle, UInt8) -> Void
    private typealias Open = @convention(c) (Handle, UnsafePointer<CChar>, Failure) -> Handle?
    private typealias Put = @convention(c) (Handle, UnsafeRawPointer?, Int, UnsafeRawPointer?, Int) -> Void
    private typealias Write = @convention(c) (Handle, Handle, Handle, Failure) -> Void

    private let put: Put
    private let clear: Drop
    private let write: Write
    private let closeDatabase: Drop
    private let dropBatch: Drop
    private let database: Handle
    private let writeOptions: Handle
    private let batch: Handle

    /// Why it cannot be used; nil when it can.
    static func absence() -> String? {
        guard let handle = dlopen(library, RTLD_NOW) else {
            return "there is no \(library) (Debian: librocksdb-dev)"
        }
        dlclose(handle)
        return nil
    }

    /// Opens a new database whose writes are durable when they return.
    init(path: String) throws {
        guard let library = dlopen(Self.library, RTLD_NOW) else {
            throw BenchFailure("no \(Self.library)", exitCode: 69)
        }
        func symbol<T>(_ name: String, _: T.Type) throws -> T {
            guard let address = dlsym(library, "rocksdb_" + name) else {
                throw BenchFailure("\(Self.library) has no rocksdb_\(name)")
            }
            return unsafeBitCast(address, to: T.self)
        }
        put = try symbol("writebatch_put", Put.self)
        clear = try symbol("writebatch_clear", Drop.self)
        write = try symbol("write", Write.self)
        closeDatabase = try symbol("close", Drop.self)
        dropBatch = try symbol("writebatch_destroy", Drop.self)
        guard let options = try symbol("options_create", Make.self)(),
            let writing = try symbol("writeoptions_create", Make.self)(),
            let batch = try symbol("writebatch_create", Make.self)()
        else { throw BenchFailure("RocksDB has no memory") }
        try symbol("options_set_create_if_missing", Flag.self)(options, 1)
        try symbol("writeoptions_set_sync", Flag.self)(writing, 1)
        let open = try symbol("open", Open.self)
        var failure: UnsafeMutablePointer<CChar>?
        guard let database = open(options, path, &failure), failure == nil else {
            throw BenchFailure("RocksDB: \(failure.map { String(cString: $0) } ?? "cannot be opened")")
        }
        (self.database, writeOptions, self.batch) = (database, writing, batch)
    }

    deinit {
        dropBatch(batch)
        closeDatabase(database)
    }

    /// Makes some records durable in one batch: keys that follow each other, all with the same value.
    func commit(from first: UInt64, count: Int, value: [UInt8]) throws {
        clear(batch)
        for number in first..<first + UInt64(count) {
            var key = number.bigEndian
            put(batch, &key, 8, value, value.count)
        }
        var failure: UnsafeMutablePointer<CChar>?
        write(database, writeOptions, batch, &failure)
        if let failure { throw BenchFailure("RocksDB: \(String(cString: failure))") }
    }
}
