// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// The replacement of an engine's directory by another one, in a way that a crash at any moment either finishes or undoes.
///
/// The new engine is made in `engine.import`. When it is complete and closed, a file `complete` in it says so; from then on the old one is the past, whatever
/// happens: names are exchanged by ``commit(in:)``, or by ``settle(in:)`` at the next start. Without the file the new engine is rubbish.
package enum EngineReplacement {
    private static let markerName = "complete"

    /// Where the engine is.
    ///
    /// - Parameter directory: the store's directory.
    /// - Returns: the path.
    package static func enginePath(in directory: String) -> String { directory + "/engine" }

    /// Where a new engine is made.
    ///
    /// - Parameter directory: the store's directory.
    /// - Returns: the path.
    package static func importPath(in directory: String) -> String { directory + "/engine.import" }

    private static func oldPath(in directory: String) -> String { directory + "/engine.old" }

    /// Removes what is left of an attempt that did not get to its end.
    ///
    /// - Parameter directory: the store's directory.
    /// - Throws: `io`.
    package static func discard(in directory: String) throws(StorageError) {
        try removeTree(importPath(in: directory), in: directory)
    }

    /// Puts the new engine in the place of the old one; both are closed.
    ///
    /// - Parameter directory: the store's directory.
    /// - Throws: `io`, `diskFull`. If the new engine was not marked as complete, nothing has happened.
    package static func commit(in directory: String) throws(StorageError) {
        let path = importPath(in: directory)
        let marker = try FileDescriptor.open(path + "/" + markerName, O_RDWR | O_CREAT | O_CLOEXEC)
        try marker.synchronize()
        marker.close()
        try FileOperations.synchronizeDirectory(path)
        try settle(in: directory)
    }

    /// Goes back to the old engine after ``commit(in:)`` failed; both are closed.
    ///
    /// - Parameter directory: the store's directory.
    /// - Throws: `io`; only a restart helps then.
    package static func undo(in directory: String) throws(StorageError) {
        let (engine, old) = (enginePath(in: directory), oldPath(in: directory))
        if !FileOperations.exists(engine) { try FileOperations.rename(old, to: engine) }
        try discard(in: directory)
    }

    /// Finishes a replacement that was complete, and undoes one that was not; called before the engine is opened.
    ///
    /// - Parameter directory: the store's directory.
    /// - Throws: `io`.
    package static func settle(in directory: String) throws(StorageError) {
        let (engine, new, old) = (
            enginePath(in: directory), importPath(in: directory), oldPath(in: directory)
        )
        if FileOperations.exists(new + "/" + markerName) {
            if FileOperations.exists(engine) {
                try removeTree(old, in: directory)
                try FileOperations.rename(engine, to: old)
            }
            try FileOperations.rename(new, to: engine)
            try FileOperations.synchronizeDirectory(directory)
        } else {
            try discard(in: directory)
        }
        let marker = engine + "/" + markerName
        if FileOperations.exists(marker) {
            try FileOperations.remove(marker)
            try FileOperations.synchronizeDirectory(engine)
        }
        try removeTree(old, in: directory)
    }

    /// Removes a directory of files.
    private static func removeTree(_ path: String, in parent: String) throws(StorageError) {
        guard FileOperations.exists(path) else { return }
        for name in try FileOperations.names(in: path) { try FileOperations.remove(path + "/" + name) }
        try FileOperations.removeDirectory(path)
        try FileOperations.synchronizeDirectory(parent)
    }
}
