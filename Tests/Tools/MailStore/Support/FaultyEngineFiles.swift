// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Storage
import Synchronization

/// The system's files under the replacement of an engine, any step of which may fail.
final class FaultyEngineFiles: EngineFileSystem {
    enum Step {
        case mark
        case rename
        case remove
        case synchronize
    }

    private struct State {
        var count = 0
        var failing = 0..<0
        var before: (@Sendable (Step) -> Void)?
    }

    private let files = PosixEngineFileSystem()
    private let state = Mutex(State())

    /// Lets steps fail, counted from now; all of them behind the last if there is no end.
    func fail(_ steps: Range<Int>) {
        state.withLock { state in
            state.count = 0
            state.failing = steps
        }
    }

    /// Lets no step fail any more.
    func heal() { fail(0..<0) }

    /// Sets what is called before each step.
    func onStep(_ call: (@Sendable (Step) -> Void)?) { state.withLock { $0.before = call } }

    /// The steps since the last call of ``fail(_:)``.
    var count: Int { state.withLock { $0.count } }

    private func step(_ step: Step) throws(StorageError) {
        state.withLock { $0.before }?(step)
        let fails = state.withLock { state in
            defer { state.count += 1 }
            return state.failing.contains(state.count)
        }
        if fails { throw StorageError(.io, "the test's device failed to \(step)") }
    }

    func exists(_ path: String) -> Bool { files.exists(path) }
    func isDirectory(_ path: String) -> Bool { files.isDirectory(path) }
    func names(in directory: String) throws(StorageError) -> [String] { try files.names(in: directory) }

    func mark(_ path: String) throws(StorageError) {
        try step(.mark)
        try files.mark(path)
    }

    func rename(_ path: String, to other: String) throws(StorageError) {
        try step(.rename)
        try files.rename(path, to: other)
    }

    func remove(_ path: String) throws(StorageError) {
        try step(.remove)
        try files.remove(path)
    }

    func removeDirectory(_ path: String) throws(StorageError) {
        try step(.remove)
        try files.removeDirectory(path)
    }

    func synchronizeDirectory(_ path: String) throws(StorageError) {
        try step(.synchronize)
        try files.synchronizeDirectory(path)
    }
}
