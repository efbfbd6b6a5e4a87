// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The file operations that a log needs; a test stands its own behind it to fill the disk, tear writes and lose unsynchronised bytes.
package protocol LogFileSystem: Sendable {
    /// Makes a directory, and those above it, when it is not there.
    func makeDirectory(_ path: String) throws(StorageError)
    /// The names in a directory, in no order.
    func names(in directory: String) throws(StorageError) -> [String]
    /// Opens a file that is there for reading and writing.
    func open(_ path: String) throws(StorageError) -> any LogFile
    /// Makes a file, or empties one that is there, and opens it for reading and writing.
    func create(_ path: String) throws(StorageError) -> any LogFile
    /// Removes a file's name.
    func remove(_ path: String) throws(StorageError)
    /// Makes the names in a directory durable.
    func synchronizeDirectory(_ path: String) throws(StorageError)
}

/// An open file of a log; it is closed when the last reference goes.
package protocol LogFile: AnyObject, Sendable {
    /// Writes some of the buffers' bytes in one call; returns how many, which may be fewer than there are.
    func write(_ buffers: [UnsafeRawBufferPointer], at offset: UInt64) throws(StorageError) -> Int
    /// Reads up to `count` bytes; fewer only at the end of the file.
    func read(count: Int, at offset: UInt64) throws(StorageError) -> [UInt8]
    /// Forces the file's data to the disk.
    func synchronizeData() throws(StorageError)
    /// Cuts the file.
    func truncate(to size: UInt64) throws(StorageError)
    /// The file's size in bytes.
    func size() throws(StorageError) -> UInt64
}
