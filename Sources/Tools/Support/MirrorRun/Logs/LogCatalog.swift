// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
package import MirrorConfig
package import SyncJobs

/// A log of a run, as a list shows it.
package struct LogEntry: Hashable, Sendable {
    /// What the log is called; never a path.
    package var id: String
    /// The run that wrote it, when that is known.
    package var run: RunNumber?
    /// When the run began, in seconds since 1970.
    package var started: Int64
    /// The size of the file.
    package var bytes: Int64
    /// Whether the run failed.
    package var isFailure: Bool
    /// Whether the file is compressed; reading it gives the plain text all the same.
    package var isCompressed: Bool
    /// Whether the run is still going on.
    package var isActive: Bool
}

extension RunSupervisor {
    /// The logs of a mirror.
    ///
    /// - Parameter mirror: the mirror.
    /// - Returns: its logs, the newest first; none when there is no folder yet.
    package func logs(of mirror: MirrorSettings) -> [LogEntry] {
        let runs = logIndex.runs(of: mirror.name)
        let active = activeLog(of: mirror.name)
        return LogFolder.names(of: mirror.name, in: mirror.logDirectory).map { file in
            LogEntry(
                id: file.name.id, run: runs[file.name.id], started: file.name.started, bytes: file.bytes,
                isFailure: file.name.isFailure, isCompressed: file.name.isCompressed,
                isActive: file.name.id == active)
        }
    }

    /// Reads a log from the folder of a mirror's logs, and from nowhere else.
    ///
    /// - Parameters:
    ///   - id: what the log is called, or `latest`.
    ///   - mirror: the mirror.
    ///   - offset: how many bytes of the plain text to leave out.
    ///   - follow: whether to go on as the log grows, until its run is over.
    /// - Returns: the bytes as they come.
    /// - Throws: ``RunFailure`` of class `configuration` when there is no such log.
    package func readLog(
        _ id: String, of mirror: MirrorSettings, offset: Int64 = 0, follow: Bool = false
    ) throws(RunFailure) -> LogStream {
        let files = LogFolder.names(of: mirror.name, in: mirror.logDirectory)
        let found = id == "latest" ? files.first : files.first { $0.name.id == id }
        guard let found else {
            throw RunFailure(.configuration, "\(mirror.name) has no log \(id.debugDescription)")
        }
        let path = "\(mirror.logDirectory)/\(found.name.file(of: mirror.name))"
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw RunFailure.system("open \(path)", errno) }
        let (name, log) = (mirror.name, found.name.id)
        let isActive: @Sendable () -> Bool = { [weak self] in
            guard follow, let self else { return false }
            return self.activeLog(of: name) == log
        }
        return try LogStream(
            descriptor, path: path, isCompressed: found.name.isCompressed, offset: max(0, offset), isActive: isActive)
    }
}
