// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorConfig
internal import SyncJobs

/// The arguments of rsync for a mirror, word for word as tunasync gives them.
enum RsyncArguments {
    /// What rsync gets when the mirror does not override it.
    static let base = [
        "-aHvh", "--no-o", "--no-g", "--stats", "--filter", "risk .~tmp~/", "--exclude", ".~tmp~/", "--delete",
        "--delete-after", "--delay-updates", "--safe-links",
    ]

    /// The arguments of an `rsync` mirror.
    ///
    /// - Parameters:
    ///   - mirror: the mirror.
    ///   - destination: the folder that rsync writes to.
    /// - Returns: the program and its arguments.
    /// - Throws: ``RunFailure`` of class `configuration`.
    static func single(_ mirror: MirrorSettings, destination: String) throws(RunFailure) -> [String] {
        let rsync = mirror.rsync
        var arguments = [program(mirror)] + (rsync.override.isEmpty ? base : rsync.override)
        if !rsync.isOverrideOnly { arguments += common(rsync) + rsync.globalOptions + rsync.options }
        return arguments + [try source(mirror), destination]
    }

    /// The arguments of the two stages of a `two-stage-rsync` mirror.
    ///
    /// The first stage brings what indices refer to and deletes nothing; the second brings the indices, and deletes.
    ///
    /// - Parameters:
    ///   - mirror: the mirror.
    ///   - destination: the folder that rsync writes to.
    /// - Returns: the program and its arguments, for each stage.
    /// - Throws: ``RunFailure`` of class `configuration`.
    static func stages(_ mirror: MirrorSettings, destination: String) throws(RunFailure) -> [[String]] {
        let rsync = mirror.rsync
        guard let profile = rsync.stage1 else {
            throw RunFailure(.configuration, "\(mirror.name): two-stage-rsync needs a stage1_profile")
        }
        let whole = rsync.override.isEmpty ? base : rsync.override
        let rest = rsync.isOverrideOnly ? [] : common(rsync) + rsync.globalOptions
        let ends = [try source(mirror), destination]
        var first = [program(mirror)] + whole.filter { !isDeleting($0) }
        for pattern in profile.includes { first += ["--include", pattern] }
        for pattern in profile.excludes { first += ["--exclude", pattern] }
        first += rest.filter { !isDeleting($0) } + ends
        let options = rsync.isOverrideOnly ? [] : rsync.options
        let second = [program(mirror)] + whole + options + rest + ends
        return [first, second]
    }

    /// Whether rsync may change files where they are instead of putting new ones in their place.
    static func writesInPlace(_ mirror: MirrorSettings) -> Bool {
        let options = mirror.rsync.override + mirror.rsync.globalOptions + mirror.rsync.options
        return options.contains { option in
            ["--inplace", "--append", "--append-verify", "--write-devices"].contains(option)
        }
    }

    private static func program(_ mirror: MirrorSettings) -> String {
        mirror.command.isEmpty ? "rsync" : mirror.command
    }

    private static func source(_ mirror: MirrorSettings) throws(RunFailure) -> String {
        guard mirror.upstream.hasSuffix("/") else {
            throw RunFailure(
                .configuration, "\(mirror.name): the upstream of rsync must end with a slash: \(mirror.upstream)")
        }
        return mirror.upstream
    }

    private static func common(_ rsync: RsyncSettings) -> [String] {
        var options: [String] = []
        if let seconds = rsync.ioTimeoutSeconds { options.append("--timeout=\(seconds)") }
        switch rsync.family {
        case .any: break
        case .version4: options.append("-4")
        case .version6: options.append("-6")
        }
        if let file = rsync.excludeFile { options += ["--exclude-from", file] }
        return options
    }

    private static func isDeleting(_ option: String) -> Bool {
        option == "--del" || option.hasPrefix("--delete") || option == "--delay-updates"
    }
}
