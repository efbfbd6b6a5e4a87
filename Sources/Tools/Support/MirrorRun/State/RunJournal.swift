// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import SyncJobs

/// The runs that are going on, written down so that a worker that comes after a crash finds what is left of them.
struct RunJournal: Sendable {
    /// What is written of one run.
    struct Entry: Hashable, Sendable {
        /// The run.
        var run: RunNumber
        /// Its mirror.
        var name: JobName
        /// What its processes have in their environment.
        var mark: RunMark
        /// The machine's start.
        var boot: String
        /// Processes that were started and not waited for.
        var processes: [Process] = []
        /// The container that the run is in: the program that knows it, and its name.
        var container: Container?
        /// The cgroup that the run is in.
        var cgroup: String?
        /// The id of the run's log.
        var log: String?
    }

    /// A process by its id and start.
    struct Process: Hashable, Sendable {
        var pid: pid_t
        var startTicks: UInt64
    }

    /// A container by its name.
    struct Container: Hashable, Sendable {
        var program: String
        var name: String
    }

    private let directory: StateDirectory

    /// The journal in a state directory.
    init(_ directory: StateDirectory) { self.directory = directory }

    /// Writes a run down, in place of what was written of it.
    func write(_ entry: Entry) throws(RunFailure) {
        var lines = [
            "name \(entry.name.text)", "run \(entry.run.number)", "mark \(entry.mark.text)", "boot \(entry.boot)",
        ]
        for process in entry.processes { lines.append("process \(process.pid) \(process.startTicks)") }
        if let container = entry.container { lines.append("container \(container.name) \(container.program)") }
        if let cgroup = entry.cgroup { lines.append("cgroup \(cgroup)") }
        if let log = entry.log { lines.append("log \(log)") }
        try directory.write(String(entry.run.number), in: "runs", lines.joined(separator: "\n") + "\n")
    }

    /// Forgets a run that is over.
    func remove(_ run: RunNumber) { directory.remove(String(run.number), in: "runs") }

    /// All runs that are written down, the oldest first.
    ///
    /// What cannot be read is no run and is removed.
    func entries() -> [Entry] {
        directory.names(in: "runs").compactMap { name in
            if let entry = directory.read(name, in: "runs").flatMap(Self.parse) { return entry }
            directory.remove(name, in: "runs")
            return nil
        }.sorted { $0.run < $1.run }
    }

    private static func parse(_ text: String) -> Entry? {
        var values: [Substring: Substring] = [:]
        var processes: [Process] = []
        for line in text.split(separator: "\n") {
            guard let blank = line.firstIndex(of: " ") else { return nil }
            let value = line[line.index(after: blank)...]
            if line[..<blank] == "process" {
                let parts = value.split(separator: " ")
                guard parts.count == 2, let pid = pid_t(parts[0]), let ticks = UInt64(parts[1]) else { return nil }
                processes.append(Process(pid: pid, startTicks: ticks))
            } else {
                values[line[..<blank]] = value
            }
        }
        guard let run = values["run"].flatMap({ UInt64($0) }),
            let name = values["name"].flatMap({ JobName(String($0)) }),
            let mark = values["mark"].flatMap({ RunMark(String($0)) }), let boot = values["boot"]
        else { return nil }
        var container: Container?
        if let value = values["container"], let blank = value.firstIndex(of: " ") {
            container = Container(
                program: String(value[value.index(after: blank)...]), name: String(value[..<blank]))
        }
        return Entry(
            run: RunNumber(run), name: name, mark: mark, boot: String(boot), processes: processes,
            container: container, cgroup: values["cgroup"].map(String.init), log: values["log"].map(String.init))
    }
}
