// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// All processes that a run has started: its session and group, their descendants, and whoever else carries its mark.
///
/// A process leaves the family only by leaving session, group and parents **and** clearing its environment; only a
/// cgroup holds such a one (``ControlGroup``).
struct ProcessFamily: Sendable {
    /// The id of the program that was started, which is that of its session and group too; 0 when it is not known.
    let leader: pid_t
    /// What its processes have in their environment.
    let mark: RunMark

    /// The living members, found in the whole table of processes.
    func members() -> [ProcessEntry] {
        let all = ProcessTable.all()
        let own = getpid()
        return closure(of: all) { entry in
            belongs(entry) || ((entry.parent == own || entry.parent == 1) && ProcessTable.isMarked(entry.pid, mark))
        }
    }

    /// The living members after the leader has ended and this process has become the parent of what it left behind.
    func orphans() -> [ProcessEntry] {
        guard OrphanReaper.isReaper, let children = ProcessTable.ownChildren() else { return members() }
        let isAnyLeft = children.contains { entry in
            !entry.isOver && entry.pid != leader && (belongs(entry) || ProcessTable.isMarked(entry.pid, mark))
        }
        return isAnyLeft ? members() : []
    }

    /// The living members of a family whose parent is dead, wherever they are: everything that carries the mark.
    func markedAnywhere() -> [ProcessEntry] {
        closure(of: ProcessTable.all()) { ProcessTable.isMarked($0.pid, mark) }
    }

    private func belongs(_ entry: ProcessEntry) -> Bool {
        leader > 1 && (entry.session == leader || entry.group == leader)
    }

    private func closure(of all: [ProcessEntry], from isRoot: (ProcessEntry) -> Bool) -> [ProcessEntry] {
        let own = getpid()
        var members: [pid_t: ProcessEntry] = [:]
        for entry in all where entry.pid != own && entry.pid != 1 && isRoot(entry) { members[entry.pid] = entry }
        var isGrowing = !members.isEmpty
        while isGrowing {
            isGrowing = false
            for entry in all where entry.pid != own && members[entry.pid] == nil && members[entry.parent] != nil {
                members[entry.pid] = entry
                isGrowing = true
            }
        }
        return members.values.filter { !$0.isOver }
    }
}
