// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// Reads small files whole, with a limit on their size.
package enum BoundedFile {
    /// Reads a file.
    ///
    /// - Parameters:
    ///   - path: The file; a symbolic link is followed.
    ///   - limit: The most bytes it may have.
    /// - Returns: The content.
    /// - Throws: ``NodeError`` with `fileMissing`, `fileUnreadable` (also for what is not a regular file) or
    ///   `fileTooLarge`.
    package static func read(path: String, limit: Int) throws(NodeError) -> [UInt8] {
        guard let bytes = try readIfPresent(path: path, limit: limit) else {
            throw NodeError(.fileMissing, "\(path): there is no such file; check the path")
        }
        return bytes
    }

    /// Reads a file that may be absent.
    ///
    /// - Parameters:
    ///   - path: The file; a symbolic link is followed.
    ///   - limit: The most bytes it may have.
    /// - Returns: The content, or `nil` when there is no such file.
    /// - Throws: ``NodeError`` with `fileUnreadable` (also for what is not a regular file) or `fileTooLarge`.
    package static func readIfPresent(path: String, limit: Int) throws(NodeError) -> [UInt8]? {
        let descriptor: Int32
        // O_NONBLOCK: opening a named pipe must not wait for its writer.
        switch SystemCall.retrying({ open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }) {
        case .value(let opened): descriptor = opened
        case .failed(ENOENT): return nil
        case .failed(let code): throw unreadable(path, code)
        }
        defer { close(descriptor) }
        var status = stat()
        if fstat(descriptor, &status) != 0 { throw unreadable(path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw NodeError(.fileUnreadable, "\(path): not a regular file; give the path of a file")
        }
        return try readAll(descriptor, path: path, limit: limit)
    }

    private static func readAll(_ descriptor: Int32, path: String, limit: Int) throws(NodeError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let outcome = chunk.withUnsafeMutableBytes { buffer in
                SystemCall.retrying { Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
            }
            switch outcome {
            case .value(0): return bytes
            case .value(let count):
                bytes.append(contentsOf: chunk[..<count])
                if bytes.count > limit {
                    throw NodeError(
                        .fileTooLarge, "\(path): larger than the limit of \(limit) bytes; is it the right file?")
                }
            case .failed(let code): throw unreadable(path, code)
            }
        }
    }

    private static func unreadable(_ path: String, _ code: Int32) -> NodeError {
        .system(.fileUnreadable, "cannot read \(path)", errno: code, remedy: "check its permissions")
    }
}
