// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import MirrorConfig
internal import SyncJobs

/// The command line of docker or podman that runs a mirror's command in a container, word for word as tunasync has it.
///
/// One thing differs: no value of the environment that may be a secret stands in the command line, where everybody on the
/// host can read it. docker and podman take `-e NAME` from their own environment.
enum ContainerCommand {
    /// Seconds between the two signals with which a container is stopped.
    static let stopSeconds = 2

    /// What a mirror's container is called.
    static func name(of mirror: JobName) -> String { "tunasync-job-\(mirror)" }

    /// Wraps a command.
    ///
    /// - Parameters:
    ///   - inner: the command and its arguments, as they are inside.
    ///   - environment: what the command gets there.
    ///   - mirror: the mirror.
    ///   - container: where it runs.
    ///   - workFolder: the folder that the command works on, at the same path inside.
    ///   - log: the path of the run's log.
    ///   - inherited: the environment of the program that talks to the containers' service.
    /// - Returns: what to start.
    static func plan(
        _ inner: [String], environment: [String: String], mirror: MirrorSettings, container: ContainerSettings,
        workFolder: String, log: String, inherited: [String: String]
    ) -> LaunchPlan {
        var arguments = [
            container.program, "run", "--rm", "-a", "STDOUT", "-a", "STDERR", "--name", name(of: mirror.name), "-w",
            workFolder, "-u", "\(getuid()):\(getgid())",
        ]
        for volume in volumes(mirror, container, workFolder: workFolder, log: log) { arguments += ["-v", volume] }
        var passed = inherited
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
            if isPublic(name) {
                arguments += ["-e", "\(name)=\(value)"]
            } else {
                arguments += ["-e", name]
                passed[name] = value
            }
        }
        arguments += limits(mirror.limits) + container.options + [container.image] + inner
        return LaunchPlan(arguments: arguments, environment: passed, folder: "/")
    }

    /// The command line that stops a container.
    static func stop(_ container: RunJournal.Container) -> [String] {
        [container.program, "stop", "-t", String(stopSeconds), container.name]
    }

    /// The command line that ends and removes a container, whatever its state.
    static func remove(_ container: RunJournal.Container) -> [String] {
        [container.program, "rm", "-f", container.name]
    }

    /// The command line that prints something as long as there is the container.
    static func list(_ container: RunJournal.Container) -> [String] {
        [container.program, "ps", "-a", "--filter", "name=^/?\(escaped(container.name))$", "--format", "{{.Names}}"]
    }

    private static func volumes(
        _ mirror: MirrorSettings, _ container: ContainerSettings, workFolder: String, log: String
    ) -> [String] {
        var volumes = container.volumes
        if let file = mirror.rsync.excludeFile { volumes.append("\(file):\(file):ro") }
        return volumes + [mirror.logDirectory, log, workFolder].map { "\($0):\($0)" }
    }

    private static func limits(_ limits: LimitSettings) -> [String] {
        var options: [String] = []
        if let bytes = limits.memoryBytes { options += ["-m", "\(bytes)b"] }
        if let millis = limits.cpuMillis { options += ["--cpus", decimal(millis)] }
        if let count = limits.maximumProcesses { options += ["--pids-limit", String(count)] }
        // The options of docker and podman go from 10 to 1,000 where a cgroup's weight goes to 10,000.
        if let weight = limits.ioWeight { options += ["--blkio-weight", String(min(1_000, max(10, weight)))] }
        return options
    }

    private static func decimal(_ millis: Int) -> String {
        let rest = String(millis % 1000)
        return "\(millis / 1000).\(String(repeating: "0", count: 3 - rest.utf8.count))\(rest)"
    }

    /// Whether everybody may see a variable: tunasync's own, ours, and those that would change the client itself.
    private static func isPublic(_ name: String) -> Bool {
        let prefixes = ["TUNASYNC_", "KUIPER_", "DOCKER_", "CONTAINER_", "PODMAN_", "LD_", "XDG_"]
        return prefixes.contains { name.hasPrefix($0) } || ["PATH", "HOME", "USER", "SHELL", "TMPDIR"].contains(name)
    }

    private static func escaped(_ name: String) -> String {
        var text = ""
        for character in name.unicodeScalars {
            if "\\.+*?()|[]{}^$".unicodeScalars.contains(character) { text += "\\" }
            text.unicodeScalars.append(character)
        }
        return text
    }
}
