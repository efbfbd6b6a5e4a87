// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// Why an operation on a log, an engine or a directory lock failed.
package struct StorageError: Error, Sendable {
    /// The sort of failure; the set is open.
    package struct Code: RawRepresentable, Hashable, Sendable {
        /// The name of the failure, fit for logs and metrics.
        package let rawValue: String

        /// Makes a code from its name.
        package init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The disk, the quota or the process's file size limit is exhausted.
        package static let diskFull = Code(rawValue: "diskFull")
        /// Bytes of the log that were durable are damaged or missing.
        package static let corruptLog = Code(rawValue: "corruptLog")
        /// The engine's file is damaged or is not one.
        package static let corruptEngine = Code(rawValue: "corruptEngine")
        /// Another process uses the directory.
        package static let locked = Code(rawValue: "locked")
        /// The operating system refused or failed an operation.
        package static let io = Code(rawValue: "io")
        /// What was asked for is not there, or not any more.
        package static let notFound = Code(rawValue: "notFound")
        /// The files were written by a newer version of the program.
        package static let versionTooNew = Code(rawValue: "versionTooNew")
        /// The log or the engine was closed.
        package static let closed = Code(rawValue: "closed")
        /// A named limit was exceeded.
        package static let limitExceeded = Code(rawValue: "limitExceeded")
        /// A key is empty or longer than the engine can hold.
        package static let invalidKey = Code(rawValue: "invalidKey")
        /// The caller did something that is not possible at this moment.
        package static let invalidState = Code(rawValue: "invalidState")
    }

    /// The sort of failure.
    package let code: Code
    /// What failed, which limit was met with which value, and what to do about it.
    package let message: String
    /// The file or directory concerned.
    package let path: String?
    /// The name of the operating system's error, such as `ENOSPC`.
    package let systemError: String?
    /// The place in our source that noticed, as `file:line`.
    package let location: String

    /// Describes a failure.
    package init(
        _ code: Code, _ message: String, path: String? = nil, systemError: String? = nil, file: String = #fileID,
        line: Int = #line
    ) {
        self.code = code
        self.message = message
        self.path = path
        self.systemError = systemError
        self.location = "\(file):\(line)"
    }

    /// Describes the failure of a system call.
    ///
    /// - Parameters:
    ///   - number: the value of `errno`.
    ///   - operation: what was tried, as in "write the log segment".
    ///   - path: the file or directory concerned.
    ///   - file: the source file that noticed.
    ///   - line: its line.
    /// - Returns: the error, with code `diskFull`, `notFound` or `io`.
    package static func system(
        _ number: Int32, _ operation: String, path: String? = nil, file: String = #fileID, line: Int = #line
    ) -> StorageError {
        let name = systemErrorName(number)
        let code: Code
        let remedy: String
        switch number {
        case ENOSPC, EDQUOT, EFBIG:
            code = .diskFull
            remedy = "; free space on its disk (or raise the quota or file size limit), nothing needs repair"
        case ENOENT:
            code = .notFound
            remedy = ""
        default:
            code = .io
            remedy = ""
        }
        let place = path.map { " \($0)" } ?? ""
        return StorageError(
            code, "could not \(operation)\(place): \(name)\(remedy)", path: path, systemError: name, file: file,
            line: line)
    }
}

extension StorageError {
    /// Whether the system reported an input/output error.
    var isInputOutputError: Bool {
        systemError == systemErrorName(EIO)
    }
}

extension StorageError: CustomStringConvertible {
    package var description: String {
        "\(code.rawValue): \(message) [\(location)]"
    }
}

/// The symbolic name of an `errno` value; the number when it is none of those that file operations give.
private func systemErrorName(_ number: Int32) -> String {
    switch number {
    case ENOSPC: "ENOSPC (no space left on the disk)"
    case EDQUOT: "EDQUOT (disk quota exceeded)"
    case EFBIG: "EFBIG (file size limit exceeded)"
    case EIO: "EIO (input/output error)"
    case ENOENT: "ENOENT (no such file or directory)"
    case EEXIST: "EEXIST (file exists)"
    case EACCES: "EACCES (permission denied)"
    case EPERM: "EPERM (not permitted)"
    case EROFS: "EROFS (read-only file system)"
    case EMFILE: "EMFILE (too many open files in the process)"
    case ENFILE: "ENFILE (too many open files in the system)"
    case ENOMEM: "ENOMEM (out of memory)"
    case ENOTDIR: "ENOTDIR (not a directory)"
    case EISDIR: "EISDIR (is a directory)"
    case ENOTEMPTY: "ENOTEMPTY (directory not empty)"
    case ENAMETOOLONG: "ENAMETOOLONG (name too long)"
    case EINVAL: "EINVAL (invalid argument)"
    case EAGAIN: "EAGAIN (temporarily unavailable)"
    case EBUSY: "EBUSY (busy)"
    default: "errno \(number)"
    }
}
