// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import SyncJobs

/// Where a worker keeps what must outlive it: the runs that are going on, and what was published last.
///
/// Its files guard against the death of the worker, not of the machine: after a power failure no run is alive, and a
/// fact that was lost is gathered again. So they are renamed into place but not synced, which would cost each run more
/// than starting its program.
struct StateDirectory: Sendable {
    /// Its path.
    let path: String

    /// Makes the directory and those inside it that are missing.
    ///
    /// - Parameter path: where it is to be.
    /// - Throws: ``RunFailure`` that says what the system refused.
    init(_ path: String) throws(RunFailure) {
        self.path = path
        for folder in [path, path + "/runs", path + "/published", path + "/logs", path + "/new"] {
            try Folders.make(folder, mode: 0o700)
        }
    }

    /// Writes a file as a whole.
    func write(_ name: String, in folder: String, _ text: String) throws(RunFailure) {
        let temporary = "\(path)/new/\(String(UInt64.random(in: 0 ... .max), radix: 36))"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw RunFailure.system("open \(temporary)", errno) }
        let code = Descriptors.write(Array(text.utf8), to: descriptor)
        close(descriptor)
        if code == 0, rename(temporary, "\(path)/\(folder)/\(name)") == 0 { return }
        let reason = code == 0 ? errno : code
        _ = unlink(temporary)
        throw RunFailure.system("write \(path)/\(folder)/\(name)", reason)
    }

    /// Reads a file; nothing when there is none.
    func read(_ name: String, in folder: String) -> String? {
        SmallFile.read("\(path)/\(folder)/\(name)", limit: 16 << 20).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Removes a file; it may be gone already.
    func remove(_ name: String, in folder: String) { _ = unlink("\(path)/\(folder)/\(name)") }

    /// The names of the files in a folder.
    func names(in folder: String) -> [String] { SmallFile.names(in: "\(path)/\(folder)").sorted() }
}

/// Folders.
enum Folders {
    /// Makes a folder and those above it that are missing.
    ///
    /// - Parameters:
    ///   - path: the folder.
    ///   - mode: the permissions of those that are made, less the process's mask.
    /// - Throws: ``RunFailure`` that says what the system refused.
    static func make(_ path: String, mode: mode_t) throws(RunFailure) {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw RunFailure(.configuration, "a folder's path is empty or holds a NUL byte")
        }
        var prefix = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            prefix += "/" + part
            if mkdir(prefix, mode) == 0 || errno == EEXIST { continue }
            throw RunFailure.system("mkdir \(prefix)", errno)
        }
        var status = stat()
        guard stat(path, &status) == 0 else { throw RunFailure.system("look at \(path)", errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw RunFailure.system("mkdir \(path)", ENOTDIR) }
    }
}

/// Open files.
enum Descriptors {
    /// Writes all bytes.
    ///
    /// - Returns: 0, or the error number of the write that failed.
    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        bytes.withUnsafeBytes { write($0, to: descriptor) }
    }

    /// Writes all bytes.
    ///
    /// - Returns: 0, or the error number of the write that failed.
    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32 {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count < 0 {
                if errno == EINTR { continue }
                return errno
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        return 0
    }
}
