// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import Logging
internal import MirrorConfig
internal import SyncJobs

/// Removes old logs of a mirror and compresses those that nobody is likely to look at soon.
enum LogRotation {
    /// Which logs go and which are compressed.
    struct Plan: Hashable, Sendable {
        var removed: [LogFolder.File] = []
        var compressed: [LogFolder.File] = []
    }

    /// Decides by count, age and size.
    ///
    /// The newest log always stays as it is.
    ///
    /// - Parameters:
    ///   - files: the logs, the newest first.
    ///   - retention: how long logs are kept.
    ///   - now: seconds since 1970.
    /// - Returns: what is to be done.
    static func plan(_ files: [LogFolder.File], _ retention: LogRetention, now: Int64) -> Plan {
        var plan = Plan()
        var total: Int64 = 0
        for (index, file) in files.enumerated() {
            total += file.bytes
            let isTooOld = retention.maximumAgeDays.map { now - file.modified > Int64($0) * 86_400 } ?? false
            let isTooMuch = retention.maximumTotalBytes.map { total > $0 } ?? false
            if index > 0, index >= max(1, retention.maximumCount) || isTooOld || isTooMuch {
                plan.removed.append(file)
                total -= file.bytes
            } else if index >= max(1, retention.plainCount), !file.name.isCompressed {
                plan.compressed.append(file)
            }
        }
        return plan
    }

    /// Removes and compresses what the plan says; `isStopped` tells whether to leave the rest for the next time.
    ///
    /// What cannot be removed or compressed is logged and stays: logs never fail a run.
    static func carryOut(
        of mirror: JobName, in folder: String, _ retention: LogRetention, now: Int64, logger: Logger,
        isStopped: () -> Bool
    ) {
        let plan = plan(LogFolder.names(of: mirror, in: folder), retention, now: now)
        for file in plan.removed {
            let path = "\(folder)/\(file.name.file(of: mirror))"
            if unlink(path) != 0, errno != ENOENT {
                logger.warning("cannot remove a log: \(SystemText.error(errno))", metadata: ["path": "\(path)"])
            }
        }
        for file in plan.compressed where !isStopped() {
            var packed = file.name
            packed.isCompressed = true
            do throws(RunFailure) {
                try GzipFile.compress(
                    "\(folder)/\(file.name.file(of: mirror))", to: "\(folder)/\(packed.file(of: mirror))",
                    isStopped: isStopped)
            } catch {
                logger.warning("cannot compress a log: \(error.message)")
            }
        }
    }
}
