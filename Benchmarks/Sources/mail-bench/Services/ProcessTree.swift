// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Foundation

/// Some processes and all their descendants, as /proc shows them.
struct ProcessTree {
    /// The memory of processes in KiB.
    struct Memory {
        /// Shared pages count once for all who share them.
        var proportional = 0.0
        /// Shared pages count for each.
        var resident = 0.0
    }

    private let pids: [Int32]

    /// Finds the descendants.
    init(roots: [Int32]) {
        var children: [Int32: [Int32]] = [:]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            // A process that ends meanwhile is no descendant any more.
            guard let pid = Int32(name), let fields = Self.stat(pid) else { continue }
            children[Int32(fields[1]) ?? 0, default: []].append(pid)
        }
        var found = roots
        var index = 0
        while index < found.count {
            found += children[found[index]] ?? []
            index += 1
        }
        pids = found
    }

    /// How many there are.
    var count: Int { pids.count }

    /// The processor time in nanoseconds that each of them has spent.
    var processorNanoseconds: [Int32: Double] {
        var times: [Int32: Double] = [:]
        for pid in pids {
            var clock: clockid_t = 0
            var time = timespec()
            // What a process spent that has ended meanwhile is not known.
            guard clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0 else { continue }
            times[pid] = Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
        }
        return times
    }

    /// The processor time in nanoseconds that those who live now have spent since another look.
    ///
    /// - Parameter before: what ``processorNanoseconds`` said then.
    /// - Returns: the sum.
    func processorNanoseconds(since before: [Int32: Double]) -> Double {
        processorNanoseconds.reduce(0) { $0 + $1.value - (before[$1.key] ?? 0) }
    }

    /// The memory of all of them.
    var memory: Memory {
        var memory = Memory()
        for pid in pids {
            // A process that has ended holds none.
            guard let text = try? String(contentsOfFile: "/proc/\(pid)/smaps_rollup", encoding: .utf8) else { continue }
            for line in text.split(separator: "\n") {
                let words = line.split(whereSeparator: \.isWhitespace)
                guard words.count > 1, let value = Double(words[1]) else { continue }
                if words[0] == "Rss:" { memory.resident += value }
                if words[0] == "Pss:" { memory.proportional += value }
            }
        }
        return memory
    }

    /// The fields of /proc/PID/stat from the third on, which begins after the name in parentheses.
    private static func stat(_ pid: Int32) -> [Substring]? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 20 ? fields : nil
    }
}
