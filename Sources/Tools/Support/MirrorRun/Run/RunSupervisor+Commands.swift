// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Synchronization
internal import SyncJobs

extension RunSupervisor {
    /// How a command ended.
    struct CommandEnd: Hashable, Sendable {
        var status: ProgramEnd
        var isTimedOut: Bool
    }

    /// Starts a program for a run, notes it in the journal, and waits until nothing of it is left.
    ///
    /// - Parameters:
    ///   - plan: what to start.
    ///   - context: the run.
    ///   - timeout: the longest time it may take.
    ///   - holdsLock: whether it holds the mirror's lock as long as it lives.
    /// - Returns: how it ended.
    /// - Throws: ``RunFailure`` when it cannot be started, or not be ended.
    func launch(
        _ plan: LaunchPlan, _ context: RunContext, timeout: Duration?, holdsLock: Bool
    ) async throws(RunFailure) -> CommandEnd {
        guard let log = context.log else { throw RunFailure(.permanent, "\(context.name) has no log") }
        let process = try RunProcess(
            plan, mark: context.mark, output: log.descriptor, lock: holdsLock ? context.lock?.descriptor : nil,
            ending: settings.ending)
        context.set(process: process)
        defer { context.set(process: nil) }
        var journalFailure: RunFailure?
        do throws(RunFailure) {
            try journal.write(context.entry())
        } catch {
            // A run that is not written down could be doubled after a crash, so it does not go on.
            journalFailure = error
            process.terminate()
        }
        let (end, isTimedOut) = await Self.wait(for: process, timeout: timeout)
        if let journalFailure { throw journalFailure }
        guard case .ended(let status) = end else {
            context.lock?.leaveToOthers()
            throw RunFailure(
                .transient, "\(plan.arguments[0]), process \(process.pid), hangs in the kernel and could not be ended")
        }
        return CommandEnd(status: status, isTimedOut: isTimedOut)
    }

    /// Waits for a program, and ends it when it takes too long.
    ///
    /// - Returns: how it ended, and whether that was because of the time.
    static func wait(
        for process: RunProcess, timeout: Duration?
    ) async -> (RunProcess.End, Bool) {
        guard let timeout else { return (await process.wait(), false) }
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                // Only the end of the command cancels the sleep; then there is no time-out.
                do { try await Task.sleep(for: timeout) } catch { return false }
                process.terminate()
                return true
            }
            let end = await process.wait()
            group.cancelAll()
            let isTimedOut = await group.next() ?? false
            return (end, isTimedOut)
        }
    }
}
