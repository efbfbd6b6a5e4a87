// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import MirrorConfig
internal import SyncJobs

extension RunSupervisor {
    /// Does what a step asks for.
    ///
    /// - Returns: the mirror's size when it became known.
    func carryOut(
        _ step: JobStep, _ mirror: MirrorSettings, _ context: RunContext,
        _ progress: @escaping @Sendable (RsyncProgress) -> Void
    ) async throws(RunFailure) -> String? {
        switch step {
        case .beforeJob:
            guard try await prepare(mirror, context, isNeeded: !mirror.hooks.beforeJob.isEmpty) else { return nil }
            try await runHooks(mirror.hooks.beforeJob, mirror, context)
            return nil
        case .beforeAttempt(let number):
            guard try await prepare(mirror, context, isNeeded: !mirror.hooks.beforeAttempt.isEmpty) else { return nil }
            try beginAttempt(number, context)
            try await runHooks(mirror.hooks.beforeAttempt, mirror, context)
            return nil
        case .execute(let number):
            try await prepare(mirror, context)
            if context.facts.attempt != number { try beginAttempt(number, context) }
            try await prepareResult(mirror, context)
            do throws(RunFailure) {
                try await execute(mirror, context, progress)
            } catch {
                if error.failure == .refused { try await discardResult(mirror) }
                throw error
            }
            context.note(isFailed: false)
            return context.facts.size
        case .afterAttempt:
            try await runHooks(mirror.hooks.afterAttempt, mirror, context)
            return nil
        case .publish:
            try await publish(mirror, context)
            return context.facts.size
        case .afterSuccess:
            context.note(isFailed: false)
            try await runHooks(mirror.hooks.onSuccess, mirror, context)
            return context.facts.size
        case .afterFailure:
            context.note(isFailed: true)
            try await runHooks(mirror.hooks.onFailure, mirror, context)
            try context.log?.set(isFailure: true)
            return nil
        }
    }

    /// Prepares a run before hooks.
    ///
    /// What goes wrong is no fault of a hook. Without hooks it is left to the command's own step to say, so that the failure
    /// keeps its class and its own words.
    private func prepare(
        _ mirror: MirrorSettings, _ context: RunContext, isNeeded: Bool
    ) async throws(RunFailure) -> Bool {
        do throws(RunFailure) {
            try await prepare(mirror, context)
            return true
        } catch {
            if isNeeded || context.isStopWanted { throw error }
            return false
        }
    }

    /// Makes what every step needs, once per run: folder, lock, log, entry in the journal.
    private func prepare(_ mirror: MirrorSettings, _ context: RunContext) async throws(RunFailure) {
        if context.lock == nil {
            try await prepareFolder(mirror)
            if mirror.publication == .atomic {
                let publication = try AtomicPublication(mirror.directory)
                try Folders.make(publication.area, mode: 0o755)
                // The folder itself changes with each publication; this one stays.
                context.lock = try MirrorLock(publication.area)
            } else {
                context.lock = try MirrorLock(mirror.directory)
            }
        }
        guard context.log == nil else { return }
        let now = Int64(time(nil))
        let log = try RunLog(mirror: mirror.name, folder: mirror.logDirectory, seconds: now)
        context.log = log
        try journal.write(context.entry())
        let logger = settings.logger
        try await OwnThread.run { () throws(RunFailure) in
            LogRotation.carryOut(of: mirror.name, in: mirror.logDirectory, mirror.logs, now: now, logger: logger) {
                context.isStopWanted
            }
        }
        let kept = Set(LogFolder.names(of: mirror.name, in: mirror.logDirectory).map(\.name.id))
        try logIndex.add(log.id, run: context.run, of: mirror.name, kept: kept)
    }

    private func beginAttempt(_ number: Int, _ context: RunContext) throws(RunFailure) {
        try context.log?.set(isFailure: false)
        let offset = context.log?.size ?? 0
        context.note(isFailed: false)
        context.note { facts in
            facts = RunContext.Facts()
            facts.attempt = number
            facts.logOffset = offset
        }
    }
}

/// Durations in the words of tunasync's messages.
enum GoDuration {
    /// Such as `45s`, `2m0s`, `1h0m30s`.
    static func text(seconds: Int) -> String {
        let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60)
        if hours > 0 { return "\(hours)h\(minutes)m\(rest)s" }
        return minutes > 0 ? "\(minutes)m\(rest)s" : "\(rest)s"
    }
}
