// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import Storage
import Synchronization

/// The system's files with faults on demand, and a count of what was done to them.
final class FaultyFiles: LogFileSystem {
    struct Faults: Sendable {
        /// How many synchronisations fail from now on.
        var failingSyncs = 0
        /// How many bytes may still be written; a write beyond takes what fits, then fails.
        var room = Int.max
        /// Whether truncating fails.
        var failsTruncating = false
        /// Called before each synchronisation, on the log's thread.
        var beforeSync: (@Sendable () -> Void)?
    }

    struct Counts: Sendable {
        var syncs = 0
        var writes = 0
    }

    struct State: Sendable {
        var faults = Faults()
        var counts = Counts()
    }

    private let files = PosixLogFileSystem()
    fileprivate let state = Mutex(State())

    func set(_ change: (inout Faults) -> Void) { state.withLock { change(&$0.faults) } }

    var counts: Counts { state.withLock { $0.counts } }

    func makeDirectory(_ path: String) throws(StorageError) { try files.makeDirectory(path) }
    func names(in directory: String) throws(StorageError) -> [String] { try files.names(in: directory) }
    func open(_ path: String) throws(StorageError) -> any LogFile { FaultyFile(try files.open(path), self) }
    func create(_ path: String) throws(StorageError) -> any LogFile { FaultyFile(try files.create(path), self) }
    func remove(_ path: String) throws(StorageError) { try files.remove(path) }
    func synchronizeDirectory(_ path: String) throws(StorageError) { try files.synchronizeDirectory(path) }
}

private final class FaultyFile: LogFile {
    private let file: any LogFile
    private let owner: FaultyFiles

    init(_ file: any LogFile, _ owner: FaultyFiles) {
        self.file = file
        self.owner = owner
    }

    func write(_ buffers: [UnsafeRawBufferPointer], at offset: UInt64) throws(StorageError) -> Int {
        let wanted = buffers.reduce(0) { $0 + $1.count }
        let room = owner.state.withLock { state in
            state.counts.writes += 1
            let room = min(wanted, state.faults.room)
            if state.faults.room != .max { state.faults.room -= room }
            return room
        }
        if room == wanted { return try file.write(buffers, at: offset) }
        guard room > 0 else { throw StorageError(.diskFull, "no space left on the test's device") }
        var left = room
        var fitting: [UnsafeRawBufferPointer] = []
        for buffer in buffers where left > 0 {
            fitting.append(UnsafeRawBufferPointer(rebasing: buffer[..<min(left, buffer.count)]))
            left -= min(left, buffer.count)
        }
        return try file.write(fitting, at: offset)
    }

    func read(count: Int, at offset: UInt64) throws(StorageError) -> [UInt8] { try file.read(count: count, at: offset) }

    func synchronizeData() throws(StorageError) {
        let (fails, before) = owner.state.withLock { state in
            state.counts.syncs += 1
            let fails = state.faults.failingSyncs > 0
            if fails { state.faults.failingSyncs -= 1 }
            return (fails, state.faults.beforeSync)
        }
        before?()
        if fails { throw StorageError(.io, "the test's device failed to synchronise") }
        try file.synchronizeData()
    }

    func truncate(to size: UInt64) throws(StorageError) {
        if owner.state.withLock({ $0.faults.failsTruncating }) {
            throw StorageError(.io, "the test's device failed to truncate")
        }
        try file.truncate(to: size)
    }

    func size() throws(StorageError) -> UInt64 { try file.size() }
}
