// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import MirrorConfig
internal import SyncJobs

extension RunSupervisor {
    /// Runs hooks one after the other, in the order in which they were configured, before and after attempts alike.
    ///
    /// What they print is appended to the run's log. The first that fails ends the phase.
    ///
    /// - Throws: ``RunFailure`` of class `hook` that names the command.
    func runHooks(_ hooks: [String], _ mirror: MirrorSettings, _ context: RunContext) async throws(RunFailure) {
        guard !hooks.isEmpty, let log = context.log else { return }
        let own = RunEnvironment.hook(mirror, context.facts, log: log.path, isFailed: context.isFailed)
        let environment = settings.environment.merging(own) { $1 }
        // The mirror's folder may be missing, such as after a hook that unmounts it.
        let folder = access(mirror.directory, X_OK) == 0 ? mirror.directory : "/"
        let timeout: Duration? = mirror.hooks.timeoutSeconds > 0 ? .seconds(mirror.hooks.timeoutSeconds) : nil
        for hook in hooks {
            if context.isStopWanted { throw RunFailure(.hook, "stopped before \(hook)") }
            let plan = LaunchPlan(
                arguments: try words(hook), environment: environment, folder: folder)
            let end: CommandEnd
            do throws(RunFailure) {
                end = try await launch(plan, context, timeout: timeout, holdsLock: false)
            } catch {
                throw RunFailure(.hook, error.message)
            }
            if end.isTimedOut {
                let limit = GoDuration.text(seconds: mirror.hooks.timeoutSeconds)
                throw RunFailure(.hook, "\(hook): timeout after \(limit)")
            }
            guard end.status == .exited(0) else { throw RunFailure(.hook, "\(hook): \(end.status.text)") }
        }
    }

    private func words(_ hook: String) throws(RunFailure) -> [String] {
        do throws(RunFailure) {
            return try CommandLine.program(hook)
        } catch {
            throw RunFailure(.hook, error.message)
        }
    }
}
