// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CLMDB
internal import Glibc

/// One LMDB transaction, for the length of one closure and on one thread.
final class LMDBTransaction: KeyValueWriter {
    /// The longest key that LMDB takes as it was compiled.
    static let keyLimitBytes = 511

    private let entries: MDB_dbi
    private let path: String
    /// Nothing once the transaction is over.
    private var transaction: OpaquePointer?
    /// How many closures of callers are looking at pages of the store; they may not be changed then.
    private var visitors = 0
    /// LMDB ran out of map; the batch must be done again after the map has grown, whatever its closure made of the error.
    private(set) var ranOutOfMap = false

    init(_ transaction: OpaquePointer, entries: MDB_dbi, path: String) {
        self.transaction = transaction
        self.entries = entries
        self.path = path
    }

    /// Makes the transaction useless and hands it to who ends it.
    func finish() -> OpaquePointer? {
        defer { transaction = nil }
        return transaction
    }

    // MARK: Reading

    func value(for key: [UInt8]) throws(StorageError) -> [UInt8]? {
        guard let value = try find(key) else { return nil }
        return Array(Self.buffer(value))
    }

    func withValue<R>(for key: [UInt8], _ body: (RawSpan) throws -> R) throws -> R? {
        guard let value = try find(key) else { return nil }
        visitors += 1
        defer { visitors -= 1 }
        let buffer = Self.buffer(value)
        return try body(buffer.bytes)
    }

    func scan(
        from start: [UInt8], upTo end: [UInt8]?, reverse: Bool, _ visit: (RawSpan, RawSpan) throws -> Bool
    ) throws {
        let cursor = try openCursor()
        defer { mdb_cursor_close(cursor) }
        visitors += 1
        defer { visitors -= 1 }
        var entry = reverse ? try seekLast(cursor, before: end) : try seekFirst(cursor, from: start)
        while let (key, value) = entry {
            let isInside = reverse ? !Self.isBefore(key, start) : !(end.map { !Self.isBefore(key, $0) } ?? false)
            guard isInside, try visit(key.bytes, value.bytes) else { return }
            entry = try move(cursor, reverse ? MDB_PREV : MDB_NEXT)
        }
    }

    // MARK: Writing

    func put(_ value: RawSpan, for key: [UInt8]) throws(StorageError) {
        let transaction = try writable(key)
        let code = value.withUnsafeBytes { bytes in
            Self.withItem(key) { item in
                var data = Self.item(bytes)
                return mdb_put(transaction, entries, &item, &data, 0)
            }
        }
        try check(code, "store a value of \(value.byteCount) bytes")
    }

    func delete(_ key: [UInt8]) throws(StorageError) -> Bool {
        let transaction = try writable(key)
        let code = Self.withItem(key) { item in mdb_del(transaction, entries, &item, nil) }
        if code == MDB_NOTFOUND { return false }
        try check(code, "delete a key")
        return true
    }

    func deleteRange(from start: [UInt8], upTo end: [UInt8]?) throws(StorageError) -> Int {
        try requireNoVisitors()
        let cursor = try openCursor()
        defer { mdb_cursor_close(cursor) }
        var count = 0
        var entry = try seekFirst(cursor, from: start)
        while let (key, _) = entry {
            if let end, !Self.isBefore(key, end) { break }
            try check(mdb_cursor_del(cursor, 0), "delete a range")
            count += 1
            // After a deletion the cursor stands before the key that followed.
            entry = try move(cursor, MDB_NEXT)
        }
        return count
    }

    // MARK: Cursors

    private typealias Entry = (key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)

    private func openCursor() throws(StorageError) -> OpaquePointer {
        let transaction = try usable()
        var cursor: OpaquePointer?
        try check(mdb_cursor_open(transaction, entries, &cursor), "open a cursor")
        guard let cursor else { throw LMDBFailure.error(MDB_INVALID, "open a cursor", path: path) }
        return cursor
    }

    private func seekFirst(_ cursor: OpaquePointer, from start: [UInt8]) throws(StorageError) -> Entry? {
        var entry = try seek(cursor, start)
        // A bound longer than any key was cut for the search, which can put the cursor one key too early.
        while let (key, _) = entry, Self.isBefore(key, start) { entry = try move(cursor, MDB_NEXT) }
        return entry
    }

    private func seekLast(_ cursor: OpaquePointer, before end: [UInt8]?) throws(StorageError) -> Entry? {
        guard let end else { return try move(cursor, MDB_LAST) }
        guard var entry = try seek(cursor, end) else { return try move(cursor, MDB_LAST) }
        while !Self.isBefore(entry.key, end) {
            guard let previous = try move(cursor, MDB_PREV) else { return nil }
            entry = previous
        }
        return entry
    }

    /// Goes to the first key that is not before a bound.
    private func seek(_ cursor: OpaquePointer, _ bound: [UInt8]) throws(StorageError) -> Entry? {
        guard !bound.isEmpty else { return try move(cursor, MDB_FIRST) }
        var key = MDB_val()
        var value = MDB_val()
        let code = bound.withUnsafeBytes { bytes in
            key = Self.item(UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.keyLimitBytes)))
            return mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE)
        }
        return try entry(code, key, value)
    }

    private func move(_ cursor: OpaquePointer, _ operation: MDB_cursor_op) throws(StorageError) -> Entry? {
        var key = MDB_val()
        var value = MDB_val()
        return try entry(mdb_cursor_get(cursor, &key, &value, operation), key, value)
    }

    private func entry(_ code: Int32, _ key: MDB_val, _ value: MDB_val) throws(StorageError) -> Entry? {
        if code == MDB_NOTFOUND { return nil }
        try check(code, "scan a range")
        return (Self.buffer(key), Self.buffer(value))
    }

    // MARK: Helpers

    private func find(_ key: [UInt8]) throws(StorageError) -> MDB_val? {
        let transaction = try usable()
        try Self.checkKey(key, path)
        var value = MDB_val()
        let code = Self.withItem(key) { item in mdb_get(transaction, entries, &item, &value) }
        if code == MDB_NOTFOUND { return nil }
        try check(code, "read a value")
        return value
    }

    private func usable() throws(StorageError) -> OpaquePointer {
        guard let transaction else {
            throw StorageError(.invalidState, "a snapshot or a batch was used after its closure ended", path: path)
        }
        return transaction
    }

    private func writable(_ key: [UInt8]) throws(StorageError) -> OpaquePointer {
        try requireNoVisitors()
        try Self.checkKey(key, path)
        return try usable()
    }

    private func requireNoVisitors() throws(StorageError) {
        guard visitors == 0 else {
            throw StorageError(
                .invalidState, "the store was changed inside a scan; collect the keys first, change them afterwards",
                path: path)
        }
    }

    private static func checkKey(_ key: [UInt8], _ path: String) throws(StorageError) {
        guard (1...keyLimitBytes).contains(key.count) else {
            throw StorageError(
                .invalidKey, "a key has 1 to \(keyLimitBytes) bytes, this one has \(key.count)", path: path)
        }
    }

    private func check(_ code: Int32, _ operation: String) throws(StorageError) {
        if code == MDB_MAP_FULL { ranOutOfMap = true }
        try LMDBFailure.check(code, operation, path: path)
    }

    private static func withItem(_ bytes: [UInt8], _ body: (inout MDB_val) -> Int32) -> Int32 {
        bytes.withUnsafeBytes { buffer in
            var item = item(buffer)
            return body(&item)
        }
    }

    /// LMDB only reads through the pointer of an item that it is given.
    private static func item(_ bytes: UnsafeRawBufferPointer) -> MDB_val {
        MDB_val(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    }

    private static func buffer(_ item: MDB_val) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: item.mv_data, count: item.mv_data == nil ? 0 : item.mv_size)
    }

    private static func isBefore(_ key: UnsafeRawBufferPointer, _ bound: [UInt8]) -> Bool {
        bound.withUnsafeBytes { bytes in
            guard let left = key.baseAddress, let right = bytes.baseAddress else { return key.count < bytes.count }
            let order = memcmp(left, right, min(key.count, bytes.count))
            return order == 0 ? key.count < bytes.count : order < 0
        }
    }
}
