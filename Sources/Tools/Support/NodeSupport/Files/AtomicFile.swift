// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// Replaces a file as a whole: after a crash at any instant there is the old content or the new one, never a mixture.
package enum AtomicFile {
    /// The part of a temporary file's name between the file's own name and the random end.
    static let temporaryMark = ".tmp-"

    /// Writes a file beside its place, syncs it, renames it into place and syncs the directory.
    ///
    /// When this returns, the content survives a power failure. A crash may leave a temporary file `.NAME.tmp-*`; it is
    /// harmless.
    ///
    /// - Parameters:
    ///   - path: Where the file is to be; its directory must exist.
    ///   - bytes: The whole content.
    ///   - mode: The permission bits, set exactly (the process's umask does not matter).
    /// - Throws: ``NodeError`` with `fileUnwritable`; the old file is then unchanged, unless only the last sync of the
    ///   directory failed.
    package static func write(path: String, bytes: [UInt8], mode: UInt32 = 0o644) throws(NodeError) {
        let (directory, name) = split(path)
        let temporary = "\(directory)/.\(name)\(temporaryMark)\(String(UInt64.random(in: 0 ... .max), radix: 36))"
        do throws(NodeError) {
            try writeSynced(temporary, bytes: bytes, mode: mode, target: path)
            if rename(temporary, path) != 0 { throw unwritable(path, "rename into place", errno) }
        } catch {
            // The temporary file is removed as a courtesy; if that fails too, it only takes space.
            _ = unlink(temporary)
            throw error
        }
        try syncDirectory(directory)
    }

    /// Makes the names in a directory durable.
    ///
    /// - Parameter path: The directory.
    /// - Throws: ``NodeError`` with `fileUnwritable`.
    package static func syncDirectory(_ path: String) throws(NodeError) {
        let descriptor: Int32
        switch SystemCall.retrying({ open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }) {
        case .value(let opened): descriptor = opened
        case .failed(let code): throw unwritable(path, "open the directory", code)
        }
        defer { close(descriptor) }
        if case .failed(let code) = SystemCall.retrying({ fsync(descriptor) }) {
            throw unwritable(path, "sync the directory", code)
        }
    }

    /// Removes temporary files that crashed writers left for the given names.
    ///
    /// Only for the one who holds the directory's lock.
    ///
    /// - Parameters:
    ///   - directory: Where to look; unreadable means nothing is removed.
    ///   - names: The final names whose leftovers go.
    static func removeLeftovers(directory: String, names: [String]) {
        for entry in DataDirectory.entries(of: directory)
        where names.contains(where: { entry.hasPrefix(".\($0)\(temporaryMark)") }) {
            // What cannot be removed only takes space.
            _ = unlink("\(directory)/\(entry)")
        }
    }

    private static func writeSynced(
        _ path: String, bytes: [UInt8], mode: UInt32, target: String
    ) throws(NodeError) {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let descriptor: Int32
        switch SystemCall.retrying({ open(path, flags, mode) }) {
        case .value(let opened): descriptor = opened
        case .failed(let code): throw unwritable(target, "create a temporary file beside it", code)
        }
        defer { close(descriptor) }
        if fchmod(descriptor, mode) != 0 { throw unwritable(target, "set its permissions", errno) }
        if let code = SystemCall.writeAll(bytes, to: descriptor) {
            throw unwritable(target, "write \(bytes.count) bytes", code)
        }
        if case .failed(let code) = SystemCall.retrying({ fsync(descriptor) }) {
            throw unwritable(target, "sync it", code)
        }
    }

    private static func split(_ path: String) -> (directory: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let directory = slash == path.startIndex ? "/" : String(path[..<slash])
        return (directory, String(path[path.index(after: slash)...]))
    }

    private static func unwritable(_ path: String, _ step: String, _ code: Int32) -> NodeError {
        .system(
            .fileUnwritable, "cannot write \(path): failed to \(step)", errno: code,
            remedy: "check the directory's permissions and free space")
    }
}
