// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension Outbox.State {
    /// The index of the first entry after a number.
    func firstIndex(after sequence: UInt64) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].sequence <= sequence { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Notes which mirror an entry tells something of.
    mutating func noteStatus(_ entry: Outbox.Entry) {
        guard entry.event.audience == nil, let name = entry.event.statusName else { return }
        lastStatus[name] = entry.sequence
    }

    /// Drops what every manager has.
    mutating func dropTold() {
        let told = readers.values.map(\.acknowledged).min() ?? nextSequence - 1
        let count = firstIndex(after: told)
        guard count > 0 else { return }
        entries.removeFirst(count)
        changes.droppedThrough = max(changes.droppedThrough, told)
        changes.events.removeAll { $0.sequence <= told }
    }

    /// Leaves of each mirror the last state, of the due times the last, and of the ends of runs the newest.
    mutating func collapse(keepingRuns maximumRuns: Int) {
        struct Subject: Hashable {
            var name: String
            var audience: String?
        }
        var subjects: Set<Subject> = []
        var hasSchedules = false
        var runs = 0
        var kept: [Outbox.Entry] = []
        var dropped: Set<UInt64> = []
        for entry in entries.reversed() {
            let isKept: Bool
            switch entry.event.content {
            case .status(let status):
                isKept = subjects.insert(Subject(name: status.name, audience: entry.event.audience)).inserted
            case .schedules:
                isKept = !hasSchedules
                hasSchedules = true
            case .removed: isKept = true
            case .run:
                isKept = runs < maximumRuns
                runs += 1
            }
            if isKept { kept.append(entry) } else { dropped.insert(entry.sequence) }
        }
        entries = kept.reversed()
        let queued = Set(changes.events.map(\.sequence))
        changes.events.removeAll { dropped.contains($0.sequence) }
        changes.droppedEvents += dropped.subtracting(queued).sorted()
    }
}

extension WorkerStore.Changes {
    /// Both as one batch, in which the later one wins.
    func followed(by later: WorkerStore.Changes) -> WorkerStore.Changes {
        var all = self
        let dropped = Set(later.droppedEvents)
        all.droppedThrough = max(droppedThrough, later.droppedThrough)
        all.events = (events + later.events)
            .filter { $0.sequence > all.droppedThrough && !dropped.contains($0.sequence) }
        all.droppedEvents += later.droppedEvents
        for name in later.forgottenJobs { all.jobs[name] = nil }
        all.jobs.merge(later.jobs) { $1 }
        all.forgottenJobs = forgottenJobs.union(later.forgottenJobs).subtracting(all.jobs.keys)
        for manager in later.forgottenManagers { all.acknowledged[manager] = nil }
        all.acknowledged.merge(later.acknowledged) { $1 }
        all.forgottenManagers = forgottenManagers.union(later.forgottenManagers).subtracting(all.acknowledged.keys)
        all.nextSequence = later.nextSequence ?? nextSequence
        all.nextRun = later.nextRun ?? nextRun
        return all
    }
}
