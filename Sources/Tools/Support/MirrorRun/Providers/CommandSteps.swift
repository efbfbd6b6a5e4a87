// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorConfig
internal import SyncJobs

/// The programs that a mirror's provider runs, one after the other.
enum CommandSteps {
    /// The programs with their arguments.
    ///
    /// - Parameters:
    ///   - mirror: the mirror.
    ///   - destination: the folder that they work on.
    /// - Returns: at least one.
    /// - Throws: ``RunFailure`` of class `configuration`.
    static func all(_ mirror: MirrorSettings, destination: String) throws(RunFailure) -> [[String]] {
        switch mirror.provider {
        case .command: [try CommandLine.program(mirror.command)]
        case .rsync: [try RsyncArguments.single(mirror, destination: destination)]
        case .twoStageRsync: try RsyncArguments.stages(mirror, destination: destination)
        }
    }

    /// What tells what an rsync mirror's run would do, without doing it.
    ///
    /// - Parameters:
    ///   - mirror: the mirror.
    ///   - destination: the folder that it works on.
    /// - Returns: nothing for other mirrors.
    /// - Throws: ``RunFailure`` of class `configuration`.
    static func rehearsal(_ mirror: MirrorSettings, destination: String) throws(RunFailure) -> [String]? {
        guard mirror.provider != .command, var last = try all(mirror, destination: destination).last else { return nil }
        // The last two are where from and where to.
        last.insert(contentsOf: ["--dry-run", "--stats"], at: last.count - 2)
        return last
    }
}
