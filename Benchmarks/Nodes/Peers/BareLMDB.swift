// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CLMDB
internal import Glibc

/// LMDB through its own interface, as the product links it.
final class BareLMDB {
    private let environment: OpaquePointer
    private var table: MDB_dbi = 0

    /// Opens a new file whose commits are durable when they return.
    init(path: String) throws {
        guard mkdir(path, 0o700) == 0 else { throw BenchFailure.system("make \(path)") }
        var handle: OpaquePointer?
        try Self.check(mdb_env_create(&handle))
        guard let handle else { throw BenchFailure("LMDB has no memory") }
        environment = handle
        try Self.check(mdb_env_set_mapsize(handle, 16 << 30))
        try Self.check(mdb_env_open(handle, path, 0, 0o600))
        var transaction: OpaquePointer?
        try Self.check(mdb_txn_begin(handle, nil, 0, &transaction))
        try Self.check(mdb_dbi_open(transaction, nil, 0, &table))
        try Self.check(mdb_txn_commit(transaction))
    }

    deinit { mdb_env_close(environment) }

    /// Makes some records durable in one transaction: keys that follow each other, all with the same value.
    func commit(from first: UInt64, count: Int, value: [UInt8]) throws {
        var transaction: OpaquePointer?
        try Self.check(mdb_txn_begin(environment, nil, 0, &transaction))
        try value.withUnsafeBytes { bytes in
            var data = MDB_val(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
            for number in first..<first + UInt64(count) {
                var big = number.bigEndian
                try withUnsafeMutableBytes(of: &big) { buffer in
                    var key = MDB_val(mv_size: 8, mv_data: buffer.baseAddress)
                    // Ascending keys go to the end of the tree, which is what a log is.
                    try Self.check(mdb_put(transaction, table, &key, &data, UInt32(MDB_APPEND)))
                }
            }
        }
        try Self.check(mdb_txn_commit(transaction))
    }

    private static func check(_ code: Int32) throws {
        guard code == 0 else { throw BenchFailure("LMDB: \(String(cString: mdb_strerror(code)))") }
    }
}
