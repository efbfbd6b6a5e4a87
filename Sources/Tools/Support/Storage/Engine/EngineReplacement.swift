// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The replacement of an engine's directory by another one, in a way that a crash at any moment either finishes or undoes.
///
/// The new engine is made in `engine.import`. When it is complete and closed, a file `complete` in it says so; from then on the old one is the past, unless
/// ``undo()`` takes the file away again: names are exchanged by ``commit()``, or by ``settle()`` at the next start. Without the file the new engine is rubbish.
///
/// The file goes first wherever a directory goes, durably: what is left of a directory is never taken for an engine. It leaves the engine in use only when its
/// new name is durable.
package struct EngineReplacement: Sendable {
    private static let markerName = "complete"

    private let directory: String
    private let files: any EngineFileSystem

    /// Names a store's directory.
    ///
    /// - Parameters:
    ///   - directory: the store's directory.
    ///   - files: the files.
    package init(in directory: String, files: any EngineFileSystem = PosixEngineFileSystem()) {
        self.directory = directory
        self.files = files
    }

    /// Where the engine is.
    package var enginePath: String { directory + "/engine" }

    /// Where a new engine is made.
    package var importPath: String { directory + "/engine.import" }

    private var oldPath: String { directory + "/engine.old" }

    /// Removes what is left of an attempt that did not get to its end.
    ///
    /// - Throws: `io`.
    package func discard() throws(StorageError) {
        try unmark(importPath)
        try removeTree(importPath)
    }

    /// Makes room for a new engine: removes what is left of attempts, of those too that got to their end.
    ///
    /// - Throws: `io`.
    package func clear() throws(StorageError) {
        try discard()
        try finish()
    }

    /// Puts the new engine in the place of the old one; both are closed.
    ///
    /// - Returns: why something of the old one is still there although the new one has its name; ``clear()`` and ``settle()`` try again.
    /// - Throws: `io`, `diskFull`. The new engine does not have its name then: ``undo()`` goes back.
    package func commit() throws(StorageError) -> StorageError? {
        try files.mark(importPath + "/" + Self.markerName)
        try files.synchronizeDirectory(importPath)
        try exchange()
        do throws(StorageError) {
            try finish()
            return nil
        } catch {
            return error
        }
    }

    /// Goes back to the old engine after ``commit()`` failed; both are closed.
    ///
    /// - Throws: `io`; only a restart helps then.
    package func undo() throws(StorageError) {
        try restore()
        try unmark(importPath)
    }

    /// Finishes a replacement that was complete, and undoes one that was not; called before the engine is opened.
    ///
    /// - Throws: `io`.
    package func settle() throws(StorageError) {
        if files.exists(importPath + "/" + Self.markerName), files.exists(importPath + "/" + LMDBEngine.fileName) {
            try exchange()
        } else {
            try restore()
            try discard()
        }
        try finish()
    }

    // MARK: Steps

    /// Exchanges the names; nothing is removed that a crash could still need.
    private func exchange() throws(StorageError) {
        if files.exists(enginePath) {
            if files.exists(oldPath) {
                // The engine in use may have its name since a moment ago, and not durably.
                try files.synchronizeDirectory(directory)
                try removeTree(oldPath)
            }
            try files.rename(enginePath, to: oldPath)
        }
        try files.rename(importPath, to: enginePath)
    }

    /// Gives the old engine its name back, if the new one did not get it.
    private func restore() throws(StorageError) {
        guard !files.exists(enginePath), files.exists(oldPath) else { return }
        try files.rename(oldPath, to: enginePath)
        try files.synchronizeDirectory(directory)
    }

    /// Cleans up behind an exchange, from the moment on at which it is durable.
    private func finish() throws(StorageError) {
        let isMarked = files.exists(enginePath + "/" + Self.markerName)
        guard isMarked || files.exists(oldPath) else { return }
        try files.synchronizeDirectory(directory)
        try unmark(enginePath)
        try removeTree(oldPath)
    }

    private func unmark(_ path: String) throws(StorageError) {
        let marker = path + "/" + Self.markerName
        guard files.exists(marker) else { return }
        try remove(marker)
        try files.synchronizeDirectory(path)
    }

    private func removeTree(_ path: String) throws(StorageError) {
        guard files.exists(path) else { return }
        try remove(path)
        try files.synchronizeDirectory(directory)
    }

    /// Removes a file, or a directory with all that is in it.
    private func remove(_ path: String) throws(StorageError) {
        guard files.isDirectory(path) else { return try files.remove(path) }
        for name in try files.names(in: path) { try remove(path + "/" + name) }
        try files.removeDirectory(path)
    }
}
