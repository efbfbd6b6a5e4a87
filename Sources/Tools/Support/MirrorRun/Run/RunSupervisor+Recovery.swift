// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import Logging
package import SyncJobs

/// A run that a worker began and did not live to end.
package struct RecoveredRun: Hashable, Sendable {
    /// Its mirror.
    package let name: JobName
    /// The run.
    package let run: RunNumber
    /// How many processes it had left, which are ended now.
    package let ended: Int
    /// What its log is called.
    package let log: String?
}

extension RunSupervisor {
    /// Ends what a worker that died has left running, and says which runs it broke off.
    ///
    /// To be called once, before the first step. A process is touched only when it is the one that was written down, by
    /// id, start and mark, or carries the mark of a run that was.
    ///
    /// - Returns: the runs that were going on, the oldest first.
    package func recover() async -> [RecoveredRun] {
        let entries = journal.entries()
        guard !entries.isEmpty else { return [] }
        let runs = await withTaskGroup(of: RecoveredRun.self) { group in
            for entry in entries { group.addTask { await self.recover(entry) } }
            var runs: [RecoveredRun] = []
            for await run in group { runs.append(run) }
            return runs
        }
        return runs.sorted { $0.run < $1.run }
    }

    private func recover(_ entry: RunJournal.Entry) async -> RecoveredRun {
        let isSameBoot = entry.boot == boot
        var ended = 0
        if isSameBoot {
            if let container = entry.container { await remove(container) }
            let (ending, logger) = (settings.ending, settings.logger)
            // The work cannot fail, so neither does the thread.
            let result: Result<Int, RunFailure> = await OwnThread.result {
                Self.endLeftovers(of: entry, ending: ending, logger: logger)
            }
            if case .success(let count) = result { ended = count }
            if let cgroup = entry.cgroup { await ControlGroup.clear(cgroup, logger: settings.logger) }
        }
        journal.remove(entry.run)
        settings.logger.notice(
            "a run was broken off by the end of its worker",
            metadata: [
                "mirror": "\(entry.name)", "run": "\(entry.run.number)", "processes_ended": "\(ended)",
            ])
        return RecoveredRun(name: entry.name, run: entry.run, ended: ended, log: entry.log)
    }

    private static func endLeftovers(of entry: RunJournal.Entry, ending: ProcessEnding, logger: Logger) -> Int {
        let find: () -> [ProcessEntry] = {
            var left = Set(ProcessFamily(leader: 0, mark: entry.mark).markedAnywhere())
            for process in entry.processes {
                // The id may belong to somebody else by now; the start does not lie.
                guard let found = ProcessTable.entry(process.pid), found.startTicks == process.startTicks,
                    found.session == process.pid, !found.isOver
                else { continue }
                left.insert(found)
                left.formUnion(
                    ProcessTable.all().filter { $0.session == process.pid && !$0.isOver })
            }
            return Array(left)
        }
        let first = find()
        let left = ending.end(until: .now + ending.grace, find: find)
        if !left.isEmpty {
            logger.error(
                "processes of a broken-off run hang in the kernel",
                metadata: ["mirror": "\(entry.name)", "processes": "\(left.map(\.pid))"])
        }
        return first.count - left.count
    }
}
