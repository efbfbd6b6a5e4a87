// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import Logging
package import MirrorConfig
internal import Synchronization
package import SyncJobs

/// Carries out the steps of runs: one for each worker process.
///
/// A run's steps come one after the other (``perform(_:of:run:progress:)``); then comes ``finish(_:run:)``. Runs of
/// different mirrors go on side by side. Nothing that a run starts outlives the step that started it.
package final class RunSupervisor: Sendable {
    let settings: RunSupervisorSettings
    let directory: StateDirectory
    let journal: RunJournal
    let logIndex: LogIndex
    let boot: String
    private let contexts = Mutex<[JobName: RunContext]>([:])

    /// Prepares a supervisor; this process becomes the parent of all orphans among its descendants.
    ///
    /// - Parameter settings: where state is kept, what commands inherit.
    /// - Throws: ``RunFailure`` when the state directory cannot be made or read.
    package init(_ settings: RunSupervisorSettings) throws(RunFailure) {
        self.settings = settings
        directory = try StateDirectory(settings.stateDirectory)
        journal = RunJournal(directory)
        logIndex = LogIndex(directory)
        boot = ProcessTable.bootID()
        OrphanReaper.begin()
    }

    /// Carries out one step of a run.
    ///
    /// Steps of one run must not overlap. Cancelling the task stops the step as ``stop(_:run:)`` does.
    ///
    /// - Parameters:
    ///   - step: what to do.
    ///   - mirror: the mirror as it is configured.
    ///   - run: the run.
    ///   - progress: told about the progress of commands that say how far they are, about once a second.
    /// - Returns: how the step ended; ``StepResult/stopped`` only when somebody asked for that.
    package func perform(
        _ step: JobStep, of mirror: MirrorSettings, run: RunNumber,
        progress: @escaping @Sendable (RsyncProgress) -> Void = { _ in }
    ) async -> StepResult {
        let context = await context(of: mirror.name, run: run)
        // Cleaning up after a stopped attempt is not what the stop was about.
        var heedsEarlierStop = true
        if case .afterAttempt = step { heedsEarlierStop = false }
        guard context.beginStep(heedsEarlierStop: heedsEarlierStop) else { return .stopped }
        defer { context.endStep() }
        let result = await withTaskCancellationHandler {
            await attempt(step, mirror, context, progress)
        } onCancel: {
            context.requestStop()
        }
        return conclude(step, result, context)
    }

    /// Ends the step of a run that is going on, with everything that it started, and waits until it is over.
    ///
    /// - Parameters:
    ///   - name: the mirror.
    ///   - run: its run; another run is left alone. When no step is going on, the next one ends at once.
    package func stop(_ name: JobName, run: RunNumber) async {
        guard let context = contexts.withLock({ $0[name] }), context.run == run else { return }
        context.requestStop()
        await context.stepIsOver()
    }

    /// Lets go of a run after its last step: the lock of the mirror's folder, the entry in the journal.
    ///
    /// A run that is not finished is when the next run of its mirror begins.
    ///
    /// - Parameters:
    ///   - name: the mirror.
    ///   - run: its run; another run is left alone.
    package func finish(_ name: JobName, run: RunNumber) {
        let context = contexts.withLock { contexts -> RunContext? in
            guard contexts[name]?.run == run else { return nil }
            return contexts.removeValue(forKey: name)
        }
        if let context { close(context) }
    }

    /// What a run has brought so far.
    ///
    /// - Parameters:
    ///   - name: the mirror.
    ///   - run: its run.
    /// - Returns: nothing after ``finish(_:run:)``.
    package func facts(of name: JobName, run: RunNumber) -> RunFacts? {
        guard let context = contexts.withLock({ $0[name] }), context.run == run else { return nil }
        let facts = context.facts
        return RunFacts(
            attempt: facts.attempt, exitCode: facts.exit?.shellCode, size: facts.size, bytes: facts.bytes,
            files: facts.files, log: context.log?.id)
    }

    /// The log that a mirror's run is writing now, if there is one.
    package func activeLog(of name: JobName) -> String? { contexts.withLock { $0[name] }?.log?.id }

    private func context(of name: JobName, run: RunNumber) async -> RunContext {
        let (context, old) = contexts.withLock { contexts -> (RunContext, RunContext?) in
            if let context = contexts[name], context.run == run { return (context, nil) }
            let context = RunContext(name: name, run: run, boot: boot)
            let old = contexts.updateValue(context, forKey: name)
            return (context, old)
        }
        if let old {
            await old.stepIsOver()
            close(old)
        }
        return context
    }

    private func close(_ context: RunContext) {
        if context.isFailed, let log = context.log {
            do throws(RunFailure) {
                try log.set(isFailure: true)
            } catch {
                settings.logger.warning("a log keeps its name", metadata: ["reason": "\(error.message)"])
            }
        }
        context.lock = nil
        context.log = nil
        journal.remove(context.run)
    }

    private func attempt(
        _ step: JobStep, _ mirror: MirrorSettings, _ context: RunContext,
        _ progress: @escaping @Sendable (RsyncProgress) -> Void
    ) async -> Result<String?, RunFailure> {
        do throws(RunFailure) {
            return .success(try await carryOut(step, mirror, context, progress))
        } catch {
            return .failure(error)
        }
    }

    private func conclude(
        _ step: JobStep, _ result: Result<String?, RunFailure>, _ context: RunContext
    ) -> StepResult {
        switch result {
        case .success(let size): return .done(size: size)
        case .failure(let failure):
            if context.isStopWanted { return .stopped }
            context.note(isFailed: true)
            context.note { $0.error = failure.message }
            return .failed(failure.failure, message: failure.message)
        }
    }
}

/// What a run has brought so far, for the history.
package struct RunFacts: Hashable, Sendable {
    /// The attempt, from 1; 0 before the first.
    package var attempt: Int
    /// The exit code of the last command; 128 and the signal's number for one that a signal ended.
    package var exitCode: Int32?
    /// The size in the words that people see.
    package var size: String?
    /// The size in bytes, when that is known.
    package var bytes: Int64?
    /// The number of files, when that is known.
    package var files: Int64?
    /// What the run's log is called (``LogName/id``).
    package var log: String?
}
