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

    /// The processor time in nanoseconds that all of them have spent, and those of their children that have ended.
    ///
    /// Who waits for a child that has ended takes over its time, in ticks of the kernel (10 ms on most machines). So nothing is lost when
    /// a process of the tree ends between two looks, as long as its parent lives; one that ends during a look counts in the next.
    var processorNanoseconds: Double {
        let tick = 1e9 / Double(max(sysconf(Int32(_SC_CLK_TCK)), 1))
        var sum = 0.0
        for pid in pids {
            // Ended since the list was made.
            guard let fields = Self.stat(pid) else { continue }
            sum += ((Double(fields[13]) ?? 0) + (Double(fields[14]) ?? 0)) * tick
            var clock: clockid_t = 0
            var time = timespec()
            if clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0 {
                sum += Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
            } else {
                sum += ((Double(fields[11]) ?? 0) + (Double(fields[12]) ?? 0)) * tick
            }
        }
        return sum
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
