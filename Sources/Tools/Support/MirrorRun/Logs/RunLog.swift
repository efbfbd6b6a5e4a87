// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import SyncJobs
internal import Synchronization

/// The log of one run: everything that its commands and hooks print, appended as it comes.
final class RunLog: Sendable {
    /// What the log is called (``LogName/id``).
    let id: String
    /// The folder that it is in.
    let folder: String
    /// The descriptor that commands write to.
    let descriptor: Int32
    private let mirror: JobName
    private let name: Mutex<LogName>

    /// The most logs that begin in one second.
    static let namesPerSecond = 10_000

    /// Makes a log that nobody else has, and the folder when it is missing.
    ///
    /// - Parameters:
    ///   - mirror: whose run it is.
    ///   - folder: where logs are.
    ///   - seconds: now, in seconds since 1970.
    /// - Throws: ``RunFailure`` that says what the system refused.
    init(mirror: JobName, folder: String, seconds: Int64) throws(RunFailure) {
        try Folders.make(folder, mode: 0o755)
        let taken = Set(LogFolder.names(of: mirror, in: folder).map(\.name.id))
        var number = 0
        while number < Self.namesPerSecond {
            let id = LogName.id(seconds: seconds, number: number)
            number += 1
            guard !taken.contains(id), let name = LogName(id: id) else { continue }
            let path = "\(folder)/\(name.file(of: mirror))"
            let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o644)
            if descriptor < 0, errno == EEXIST { continue }
            guard descriptor >= 0 else { throw RunFailure.system("open \(path)", errno) }
            self.id = id
            self.folder = folder
            self.descriptor = descriptor
            self.mirror = mirror
            self.name = Mutex(name)
            LogFolder.point(latestIn: folder, to: name.file(of: mirror))
            return
        }
        throw RunFailure(.transient, "\(folder) has no name left for a log of \(mirror)")
    }

    deinit { close(descriptor) }

    /// Its path now.
    var path: String { "\(folder)/\(name.withLock { $0.file(of: mirror) })" }

    /// Its size in bytes.
    var size: Int64 {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// Appends a line of ours.
    func append(_ line: String) {
        // A full disk must not fail what the line is about; the command's own writes will say so.
        _ = Descriptors.write(Array((line + "\n").utf8), to: descriptor)
    }

    /// Says in the name whether the run has failed so far, and points `latest` to it.
    func set(isFailure: Bool) throws(RunFailure) {
        let code: Int32 = name.withLock { name in
            guard name.isFailure != isFailure else { return 0 }
            var renamed = name
            renamed.isFailure = isFailure
            let (old, new) = ("\(folder)/\(name.file(of: mirror))", "\(folder)/\(renamed.file(of: mirror))")
            guard rename(old, new) == 0 else { return errno }
            LogFolder.point(latestIn: folder, to: renamed.file(of: mirror))
            name = renamed
            return 0
        }
        if code != 0 { throw RunFailure.system("rename the log \(path)", code) }
    }
}

/// A folder with logs of runs, maybe of several mirrors.
enum LogFolder {
    /// A log in a folder.
    struct File: Hashable, Sendable {
        var name: LogName
        var bytes: Int64
        /// When it was last written, in seconds since 1970.
        var modified: Int64
    }

    /// The logs of one mirror, the newest first.
    static func names(of mirror: JobName, in folder: String) -> [File] {
        SmallFile.names(in: folder).compactMap { file in
            guard let name = LogName(file: file, mirror: mirror) else { return nil }
            var status = stat()
            guard lstat("\(folder)/\(file)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
            return File(name: name, bytes: Int64(status.st_size), modified: Int64(status.st_mtim.tv_sec))
        }.sorted { $1.name < $0.name }
    }

    /// Lets the symbolic link `latest` name a log, in one step.
    static func point(latestIn folder: String, to file: String) {
        let temporary = "\(folder)/.latest-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
        // The link is a convenience: a folder that takes no links has logs all the same.
        guard symlink(file, temporary) == 0 else { return }
        if rename(temporary, "\(folder)/latest") != 0 { _ = unlink(temporary) }
    }
}
