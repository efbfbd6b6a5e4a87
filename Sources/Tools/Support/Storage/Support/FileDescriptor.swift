// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import Synchronization

/// An open file of the operating system; it is closed at the latest when the last reference goes.
final class FileDescriptor: Sendable {
    /// How many buffers the kernel takes in one call.
    private static let maximumVectors = 1024

    /// The flags to open a file for reading only.
    static let readOnly = O_RDONLY | O_CLOEXEC
    /// The flags to open a file for reading and writing.
    static let readWrite = O_RDWR | O_CLOEXEC
    /// The system's number for "the file exists".
    static let fileExistsError = EEXIST

    /// The path that was opened, for messages.
    let path: String
    /// The descriptor's number, or -1 once it is closed; its owner does not use it after closing.
    private let state: Atomic<Int32>

    /// The descriptor's number.
    var number: Int32 {
        state.load(ordering: .acquiring)
    }

    private init(path: String, number: Int32) {
        self.path = path
        self.state = Atomic(number)
    }

    deinit {
        close()
    }

    /// Opens a file or directory.
    static func open(_ path: String, _ flags: Int32) throws(StorageError) -> FileDescriptor {
        while true {
            let number = Glibc.open(path, flags, 0o600)
            if number >= 0 { return FileDescriptor(path: path, number: number) }
            let error = errno
            if error != EINTR { throw .system(error, "open", path: path) }
        }
    }

    /// Gives up a lock on the file and closes it; further calls do nothing.
    ///
    /// Closing alone leaves the lock with a process that was just forked and has not begun its program.
    func unlockAndClose() {
        let number = state.exchange(-1, ordering: .acquiringAndReleasing)
        guard number >= 0 else { return }
        // What cannot be unlocked is so by being closed, a little later at the worst.
        _ = flock(number, LOCK_UN)
        _ = Glibc.close(number)
    }

    /// Closes the file; further calls do nothing.
    func close() {
        let number = state.exchange(-1, ordering: .acquiringAndReleasing)
        // Nothing is lost when close fails: whoever needs the bytes has synchronised them before.
        if number >= 0 { _ = Glibc.close(number) }
    }

    /// Writes some of the bytes of the buffers, in one system call.
    ///
    /// - Returns: how many bytes were written; fewer than there are is possible.
    func write(_ buffers: [UnsafeRawBufferPointer], at offset: UInt64) throws(StorageError) -> Int {
        let vectors = buffers.prefix(Self.maximumVectors).map { buffer in
            iovec(iov_base: UnsafeMutableRawPointer(mutating: buffer.baseAddress), iov_len: buffer.count)
        }
        while true {
            let written = pwritev(number, vectors, Int32(vectors.count), off_t(offset))
            if written >= 0 { return written }
            let error = errno
            if error != EINTR { throw .system(error, "write", path: path) }
        }
    }

    /// Writes all of the bytes.
    func write(_ bytes: [UInt8], at offset: UInt64) throws(StorageError) {
        var done = 0
        while done < bytes.count {
            let written = bytes.withUnsafeBytes { buffer -> Result<Int, StorageError> in
                let rest = UnsafeRawBufferPointer(rebasing: buffer[done...])
                do throws(StorageError) {
                    return .success(try write([rest], at: offset + UInt64(done)))
                } catch {
                    return .failure(error)
                }
            }
            let count = try written.get()
            guard count > 0 else { throw StorageError(.io, "the system wrote nothing to \(path)", path: path) }
            done += count
        }
    }

    /// Reads into a buffer until it is full or the file ends.
    ///
    /// - Returns: how many bytes were read.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(StorageError) -> Int {
        guard let start = buffer.baseAddress else { return 0 }
        var done = 0
        while done < buffer.count {
            let count = pread(number, start + done, buffer.count - done, off_t(offset + UInt64(done)))
            if count == 0 { break }
            if count > 0 {
                done += count
            } else {
                let error = errno
                if error != EINTR { throw .system(error, "read", path: path) }
            }
        }
        return done
    }

    /// Reads up to so many bytes; fewer only at the end of the file.
    func read(count: Int, at offset: UInt64) throws(StorageError) -> [UInt8] {
        var failure: StorageError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(StorageError) {
                initialized = try read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Forces the file's data, and what is needed to find it, to the disk.
    func synchronizeData() throws(StorageError) {
        while fdatasync(number) != 0 {
            let error = errno
            if error != EINTR { throw .system(error, "synchronise", path: path) }
        }
    }

    /// Forces the file or directory with all its attributes to the disk.
    func synchronize() throws(StorageError) {
        while fsync(number) != 0 {
            let error = errno
            if error != EINTR { throw .system(error, "synchronise", path: path) }
        }
    }

    /// Cuts or extends the file.
    func truncate(to size: UInt64) throws(StorageError) {
        while ftruncate(number, off_t(size)) != 0 {
            let error = errno
            if error != EINTR { throw .system(error, "truncate", path: path) }
        }
    }

    /// Reserves room on the disk for a range of the file, and extends the file to it.
    func allocate(_ count: UInt64, at offset: UInt64) throws(StorageError) {
        while true {
            let error = posix_fallocate(number, off_t(offset), off_t(count))
            if error == 0 { return }
            if error != EINTR { throw .system(error, "reserve room for", path: path) }
        }
    }

    /// The file's size in bytes.
    func size() throws(StorageError) -> UInt64 {
        var status = stat()
        guard fstat(number, &status) == 0 else { throw .system(errno, "examine", path: path) }
        return UInt64(status.st_size)
    }
}
