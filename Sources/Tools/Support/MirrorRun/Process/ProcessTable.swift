// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// A process as /proc shows it (proc_pid_stat(5)).
struct ProcessEntry: Hashable, Sendable {
    var pid: pid_t
    var parent: pid_t
    var group: pid_t
    var session: pid_t
    /// The letter of its state, such as `Z` of a zombie.
    var state: UInt8
    /// When it started, in clock ticks since the machine did; with the id it names one process for good.
    var startTicks: UInt64

    /// Whether it has ended and only waits for its parent to look.
    var isOver: Bool { state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") }
}

/// The processes of the machine, read from /proc.
enum ProcessTable {
    /// The most bytes of an environment that are looked at.
    static let environmentLimit = 4 << 20

    /// One process.
    ///
    /// - Parameter pid: its id.
    /// - Returns: nothing when there is no such process.
    static func entry(_ pid: pid_t) -> ProcessEntry? {
        guard let bytes = SmallFile.read("/proc/\(pid)/stat", limit: 4096) else { return nil }
        // The second field is the program's name in parentheses and may hold anything, so the last parenthesis counts.
        guard let close = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = bytes[(close + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 19, let state = fields[0].first, let parent = number(fields[1]),
            let group = number(fields[2]), let session = number(fields[3]), let start = number(fields[19])
        else { return nil }
        return ProcessEntry(
            pid: pid, parent: pid_t(truncatingIfNeeded: parent), group: pid_t(truncatingIfNeeded: group),
            session: pid_t(truncatingIfNeeded: session), state: state, startTicks: UInt64(max(0, start)))
    }

    /// All processes.
    ///
    /// Cost: one small file for each.
    static func all() -> [ProcessEntry] {
        SmallFile.names(in: "/proc").compactMap { name in pid_t(name).flatMap(entry) }
    }

    /// The children of this process; nothing when the system does not list them.
    ///
    /// Orphans of which this process is the reaper are among them. Cost: one small file for each thread and child.
    static func ownChildren() -> [ProcessEntry]? {
        var children: [ProcessEntry] = []
        for thread in SmallFile.names(in: "/proc/self/task") {
            guard let bytes = SmallFile.read("/proc/self/task/\(thread)/children", limit: 1 << 20) else {
                // A thread may end meanwhile; a system without these files has none for the first thread either.
                if access("/proc/thread-self/children", R_OK) == 0 { continue }
                return nil
            }
            for field in bytes.split(separator: UInt8(ascii: " ")) {
                if let pid = number(field), let entry = entry(pid_t(truncatingIfNeeded: pid)) { children.append(entry) }
            }
        }
        return children
    }

    /// Whether a process has a mark in its environment.
    ///
    /// - Returns: false also when the environment is not ours to read.
    static func isMarked(_ pid: pid_t, _ mark: RunMark) -> Bool {
        guard let bytes = SmallFile.read("/proc/\(pid)/environ", limit: environmentLimit) else { return false }
        let wanted = Array(mark.entry.utf8)
        return bytes.split(separator: 0).contains { $0.elementsEqual(wanted) }
    }

    /// The machine's start; ids and start times of processes mean something only together with it.
    static func bootID() -> String {
        let bytes = SmallFile.read("/proc/sys/kernel/random/boot_id", limit: 128) ?? []
        return String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self)
    }

    private static func number(_ field: some Sequence<UInt8>) -> Int64? {
        var value: Int64 = 0
        var isNegative = false
        var count = 0
        for byte in field {
            if byte == UInt8(ascii: "-"), count == 0, !isNegative {
                isNegative = true
                continue
            }
            guard (48...57).contains(byte), count < 19 else { return nil }
            value = value &* 10 &+ Int64(byte - 48)
            count += 1
        }
        guard count > 0 else { return nil }
        return isNegative ? -value : value
    }
}

/// Files of /proc and of our own state: read at once, with a limit.
enum SmallFile {
    /// Reads a file.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - limit: the most bytes; the rest is left out.
    /// - Returns: nothing when it cannot be read.
    static func read(_ path: String, limit: Int) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while bytes.count < limit {
            let wanted = min(limit - bytes.count, 65_536)
            let count = withUnsafeTemporaryAllocation(byteCount: wanted, alignment: 1) { chunk in
                let count = Glibc.read(descriptor, chunk.baseAddress, chunk.count)
                if count > 0 { bytes.append(contentsOf: chunk[..<count]) }
                return count
            }
            if count < 0, errno == EINTR { continue }
            if count < 0 { return nil }
            if count == 0 { break }
        }
        return bytes
    }

    /// The names in a folder, without `.` and `..`; none when it cannot be read.
    static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
