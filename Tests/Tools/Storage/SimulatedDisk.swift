// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import Storage
import Synchronization

/// Files in memory that know which of their bytes survive a power cut, and that fail on demand.
final class SimulatedDisk: LogFileSystem {
    /// The content of a file.
    struct Content: Sendable {
        /// What a power cut leaves.
        var durable: [UInt8] = []
        /// What a reader sees.
        var current: [UInt8] = []
        /// Bytes that the system dropped after a failed synchronisation: a later one calls them written, but they are zeros.
        var dropped: [Range<Int>] = []
    }

    /// What goes wrong.
    struct Faults: Sendable {
        /// The bytes that all files together may have.
        var capacity = Int.max
        /// The most that one write takes.
        var writeLimit = Int.max
        /// How many synchronisations fail from now on.
        var failingSyncs = 0
        /// How many truncations fail from now on.
        var failingTruncates = 0
        /// How many removals fail from now on.
        var failingRemoves = 0
        /// How many writes fail from now on.
        var failingWrites = 0
        /// Called before each synchronisation, on its thread.
        var beforeSync: (@Sendable () -> Void)?
        /// Called before each removal, on its thread.
        var beforeRemove: (@Sendable () -> Void)?
        /// Called before each read, on its thread.
        var beforeRead: (@Sendable () -> Void)?
    }

    struct State: Sendable {
        var contents: [Int: Content] = [:]
        var names: [String: Int] = [:]
        var durableNames: [String: Int] = [:]
        var nextFile = 0
        var faults = Faults()

        var usedBytes: Int { contents.values.reduce(0) { $0 + $1.current.count } }
    }

    let state: Mutex<State>

    init(_ state: State = State()) {
        self.state = Mutex(state)
    }

    func withFaults(_ change: (inout Faults) -> Void) {
        state.withLock { change(&$0.faults) }
    }

    /// The disk after a power cut: of every file the durable bytes and what a closure makes of the others.
    func crashed(_ survivors: (_ unsynchronised: [UInt8]) -> [UInt8]) -> SimulatedDisk {
        state.withLock { state in
            var after = State()
            after.nextFile = state.nextFile
            after.names = state.durableNames
            after.durableNames = state.durableNames
            for (name, file) in state.durableNames {
                guard let content = state.contents[file] else { continue }
                _ = name
                let sound = min(content.durable.count, content.current.count)
                let suffix = survivors(Array(content.current[sound...]))
                let bytes = content.durable.count <= content.current.count ? content.durable + suffix : content.durable
                after.contents[file] = Content(durable: bytes, current: bytes)
            }
            return SimulatedDisk(after)
        }
    }

    /// The disk after the process was killed: everything that was written is there, but not all of it is durable.
    func killed() -> SimulatedDisk {
        state.withLock { state in
            var copy = state
            copy.faults = Faults()
            return SimulatedDisk(copy)
        }
    }

    /// The bytes that are written but not synchronised, over all files.
    var unsynchronisedBytes: Int {
        state.withLock { $0.contents.values.reduce(0) { $0 + max($1.current.count - $1.durable.count, 0) } }
    }

    // MARK: LogFileSystem

    func makeDirectory(_ path: String) throws(StorageError) {}

    func names(in directory: String) throws(StorageError) -> [String] {
        state.withLock { state in
            state.names.keys.filter { $0.hasPrefix(directory + "/") }.map { String($0.dropFirst(directory.count + 1)) }
        }
    }

    func open(_ path: String) throws(StorageError) -> any LogFile {
        guard let file = state.withLock({ $0.names[path] }) else { throw .system(ENOENT, "open", path: path) }
        return SimulatedFile(disk: self, file: file)
    }

    func create(_ path: String) throws(StorageError) -> any LogFile {
        let file = state.withLock { state in
            if let file = state.names[path] {
                state.contents[file]?.current = []
                return file
            }
            state.nextFile += 1
            state.names[path] = state.nextFile
            state.contents[state.nextFile] = Content()
            return state.nextFile
        }
        return SimulatedFile(disk: self, file: file)
    }

    func remove(_ path: String) throws(StorageError) {
        state.withLock { $0.faults.beforeRemove }?()
        try state.withLock { (state) throws(StorageError) in
            if state.faults.failingRemoves > 0 {
                state.faults.failingRemoves -= 1
                throw .system(EIO, "remove", path: path)
            }
            guard state.names.removeValue(forKey: path) != nil else { throw .system(ENOENT, "remove", path: path) }
        }
    }

    func synchronizeDirectory(_ path: String) throws(StorageError) {
        state.withLock { $0.durableNames = $0.names }
    }
}

/// An open file of a simulated disk.
private final class SimulatedFile: LogFile {
    let disk: SimulatedDisk
    let file: Int

    init(disk: SimulatedDisk, file: Int) {
        self.disk = disk
        self.file = file
    }

    func write(_ buffers: [UnsafeRawBufferPointer], at offset: UInt64) throws(StorageError) -> Int {
        let bytes = buffers.flatMap { Array($0) }
        return try disk.state.withLock { (state) throws(StorageError) in
            if state.faults.failingWrites > 0 {
                state.faults.failingWrites -= 1
                throw .system(EIO, "write")
            }
            var content = state.contents[file] ?? SimulatedDisk.Content()
            let room = max(state.faults.capacity - state.usedBytes + content.current.count - Int(offset), 0)
            let count = min(bytes.count, state.faults.writeLimit, room)
            if count == 0 && !bytes.isEmpty { throw .system(ENOSPC, "write") }
            let start = Int(offset)
            if content.current.count < start + count {
                content.current += [UInt8](repeating: 0, count: start + count - content.current.count)
            }
            content.current.replaceSubrange(start..<(start + count), with: bytes.prefix(count))
            content.dropped.removeAll { $0.lowerBound >= start && $0.upperBound <= start + count }
            state.contents[file] = content
            return count
        }
    }

    func read(count: Int, at offset: UInt64) throws(StorageError) -> [UInt8] {
        disk.state.withLock { $0.faults.beforeRead }?()
        return disk.state.withLock { Array(($0.contents[file]?.current ?? []).dropFirst(Int(offset)).prefix(count)) }
    }

    func synchronizeData() throws(StorageError) {
        disk.state.withLock { $0.faults.beforeSync }?()
        try disk.state.withLock { (state) throws(StorageError) in
            var content = state.contents[file] ?? SimulatedDisk.Content()
            if state.faults.failingSyncs > 0 {
                state.faults.failingSyncs -= 1
                let sound = min(content.durable.count, content.current.count)
                if sound < content.current.count { content.dropped.append(sound..<content.current.count) }
                state.contents[file] = content
                throw .system(EIO, "synchronise")
            }
            content.durable = content.current
            for range in content.dropped {
                for index in range.clamped(to: 0..<content.durable.count) { content.durable[index] = 0 }
            }
            state.contents[file] = content
        }
    }

    func truncate(to size: UInt64) throws(StorageError) {
        try disk.state.withLock { (state) throws(StorageError) in
            if state.faults.failingTruncates > 0 {
                state.faults.failingTruncates -= 1
                throw .system(EIO, "truncate")
            }
            var content = state.contents[file] ?? SimulatedDisk.Content()
            content.current = Array(content.current.prefix(Int(size)))
            content.dropped = content.dropped.map { $0.clamped(to: 0..<Int(size)) }.filter { !$0.isEmpty }
            state.contents[file] = content
        }
    }

    func size() throws(StorageError) -> UInt64 {
        disk.state.withLock { UInt64($0.contents[file]?.current.count ?? 0) }
    }
}
