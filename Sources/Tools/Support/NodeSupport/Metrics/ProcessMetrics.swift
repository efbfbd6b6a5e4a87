// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// The metrics every process has: memory, descriptors, processor time and start time, under Prometheus's usual names.
package enum ProcessMetrics {
    /// Registers the metrics.
    ///
    /// - Parameter registry: Where.
    /// - Throws: ``NodeError`` with `metricInvalid` when they are registered already.
    package static func register(in registry: MetricsRegistry) throws(NodeError) {
        try registry.observe(.gauge, "process_resident_memory_bytes", help: "Resident memory size in bytes.") {
            sample(residentBytes)
        }
        try registry.observe(.gauge, "process_open_fds", help: "Number of open file descriptors.") {
            sample(openDescriptors)
        }
        try registry.observe(.gauge, "process_max_fds", help: "Maximum number of open file descriptors.") {
            sample(maximumDescriptors)
        }
        try registry.observe(
            .counter, "process_cpu_seconds_total", help: "Total user and system CPU time spent in seconds."
        ) {
            sample(processorSeconds)
        }
        let start = startSeconds
        try registry.observe(
            .gauge, "process_start_time_seconds", help: "Start time of the process since the Unix epoch in seconds."
        ) {
            sample(start)
        }
    }

    private static func sample(_ value: Double?) -> [MetricsRegistry.Sample] {
        value.map { [MetricsRegistry.Sample([], $0)] } ?? []
    }

    /// Resident memory, the second field of `/proc/self/statm` in pages; `nil` where there is no such file.
    static var residentBytes: Double? {
        guard let fields = fields(of: "/proc/self/statm"), fields.count > 1, let pages = Double(fields[1]) else {
            return nil
        }
        return pages * Double(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Open descriptors, without the one that counts them.
    static var openDescriptors: Double? {
        let count = DataDirectory.entries(of: "/proc/self/fd").count
        return count > 0 ? Double(count - 1) : nil
    }

    /// The soft limit of descriptors.
    static var maximumDescriptors: Double? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        return limit.rlim_cur == rlim_t.max ? .infinity : Double(limit.rlim_cur)
    }

    /// User and system processor time.
    static var processorSeconds: Double? {
        var usage = rusage()
        guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return nil }
        let seconds = Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        return seconds + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1_000_000
    }

    /// When the process started: the machine's start from `/proc/stat` and the ticks since then from `/proc/self/stat`.
    static var startSeconds: Double? {
        guard let machine = text(of: "/proc/stat"), let process = text(of: "/proc/self/stat"),
            let bootLine = machine.split(separator: "\n").first(where: { $0.hasPrefix("btime ") }),
            let boot = Double(bootLine.dropFirst(6)),
            // The second field is the program's name in parentheses and may hold spaces; field 3 follows the last one.
            let end = process.lastIndex(of: ")")
        else { return nil }
        let fields = process[process.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let ticks = Double(fields[19]) else { return nil }
        return boot + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static func fields(of path: String) -> [Substring]? {
        text(of: path)?.split { $0 == " " || $0 == "\n" }
    }

    private static func text(of path: String) -> String? {
        // Without /proc the metric is left out; nothing depends on it.
        guard let bytes = try? BoundedFile.read(path: path, limit: 1 << 20) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
