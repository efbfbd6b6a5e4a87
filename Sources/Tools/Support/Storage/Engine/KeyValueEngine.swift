// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A store of ordered byte keys with atomic batches, snapshot reads, range scans and live checkpoints.
///
/// Keys are compared byte by byte as unsigned numbers, a prefix before what it begins. They have 1 to
/// ``keyLimitBytes`` bytes; values may be empty. Large values should be cut into pieces by the caller.
package protocol KeyValueEngine: Sendable {
    /// The longest key in bytes.
    var keyLimitBytes: Int { get }

    /// Reads from one snapshot: the closure sees what was committed when it began, whatever is committed meanwhile.
    ///
    /// - Parameter body: reads; the reader is of no use after it returns, so nothing can wait while holding a snapshot.
    /// - Returns: what the closure returns.
    /// - Throws: what the closure throws; `closed`; `io`.
    func read<R>(_ body: (any KeyValueReader) throws -> R) throws -> R

    /// Changes the store in one atomic and durable batch.
    ///
    /// Batches run one after the other, in the order of the calls, on the engine's own thread.
    ///
    /// - Parameter body: changes the store, and sees its own changes. When it throws nothing of the batch stays. It may be run
    ///   again from the start when the engine had to make room, so it must have no other effect than through the writer.
    /// - Throws: what the closure throws; `diskFull`; `limitExceeded`; `closed`; `io`. Nothing was changed then.
    func write(_ body: @escaping @Sendable (any KeyValueWriter) throws -> Void) async throws

    /// Makes a consistent copy of the store while it goes on being read and written.
    ///
    /// - Parameter directory: where to; it is made when it is not there, and must not hold a store.
    /// - Throws: `diskFull`, `io`, `closed`; a part of a copy is removed.
    func checkpoint(to directory: String) throws(StorageError)

    /// Counts what the store holds.
    func statistics() throws(StorageError) -> EngineStatistics

    /// Does the batches that are queued and closes the store. Blocks until that is done; further calls do nothing.
    func close()
}

/// A snapshot of the store; it is of use only inside the closure that it was given to.
package protocol KeyValueReader {
    /// The value of a key; nothing when the key is not there.
    ///
    /// - Throws: `invalidKey`, `invalidState` after the closure ended, `io`, `corruptEngine`.
    func value(for key: [UInt8]) throws(StorageError) -> [UInt8]?

    /// Shows the value of a key without copying it.
    ///
    /// - Returns: what the closure returns; nothing when the key is not there.
    /// - Throws: as ``value(for:)``, and what the closure throws. Changing the store inside the closure is `invalidState`.
    func withValue<R>(for key: [UInt8], _ body: (RawSpan) throws -> R) throws -> R?

    /// Shows the keys of a range with their values in order, until the closure returns false.
    ///
    /// - Parameters:
    ///   - start: the first key of the range; an empty one is before all keys.
    ///   - end: the first key behind the range; nothing means to the end of the store.
    ///   - reverse: whether to begin with the last key of the range.
    ///   - visit: is shown a key and its value, and says whether to go on.
    /// - Throws: as ``withValue(for:_:)``. The bounds may have any length.
    func scan(
        from start: [UInt8], upTo end: [UInt8]?, reverse: Bool,
        _ visit: (_ key: RawSpan, _ value: RawSpan) throws -> Bool)
        throws
}

/// A batch that is being made; it is of use only inside the closure that it was given to.
package protocol KeyValueWriter: KeyValueReader {
    /// Sets the value of a key, whether it was there or not.
    ///
    /// - Throws: `invalidKey`, `limitExceeded`, `invalidState`, `io`, `diskFull`.
    func put(_ value: RawSpan, for key: [UInt8]) throws(StorageError)

    /// Removes a key.
    ///
    /// - Returns: whether it was there.
    /// - Throws: as ``put(_:for:)``.
    @discardableResult
    func delete(_ key: [UInt8]) throws(StorageError) -> Bool

    /// Removes the keys of a range.
    ///
    /// - Parameters:
    ///   - start: the first key of the range; an empty one is before all keys.
    ///   - end: the first key behind the range; nothing means to the end of the store.
    /// - Returns: how many were there.
    /// - Throws: as ``put(_:for:)``.
    @discardableResult
    func deleteRange(from start: [UInt8], upTo end: [UInt8]?) throws(StorageError) -> Int
}

extension KeyValueReader {
    /// Shows the keys of a range with their values, smallest first, until the closure returns false.
    package func scan(
        from start: [UInt8], upTo end: [UInt8]?, _ visit: (_ key: RawSpan, _ value: RawSpan) throws -> Bool
    ) throws {
        try scan(from: start, upTo: end, reverse: false, visit)
    }
}

extension KeyValueWriter {
    /// Sets the value of a key, whether it was there or not.
    package func put(_ value: [UInt8], for key: [UInt8]) throws(StorageError) {
        let span = value.span
        try put(span.bytes, for: key)
    }
}

/// What an engine holds.
package struct EngineStatistics: Hashable, Sendable {
    /// How many keys there are.
    package let entries: Int
    /// The bytes that the store uses, freed pages included.
    package let usedBytes: Int
    /// The bytes that the store can use before it must make room.
    package let capacityBytes: Int
    /// Batches that were committed since the store was opened.
    package let commits: UInt64
}
