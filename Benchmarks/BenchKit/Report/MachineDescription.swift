// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Foundation

/// The machine in the terms that matter for a figure; nothing that names it.
public struct MachineDescription: Codable, Equatable, Sendable {
    /// The processor's model.
    public var processor: String
    /// How many processors there are.
    public var cores: Int
    /// The memory in GiB.
    public var memoryGiB: Int
    /// The kernel's release.
    public var kernel: String
    /// The commit of the sources when this ran, with a "+" behind it when files had been changed or added, and with the options
    /// that named a program of unknown origin; nil when there is no git repository.
    public var commit: String?
    /// The median time of `fdatasync` after a write of 4 KiB in the temporary folder, in microseconds.
    public var syncMicroseconds: Double?
    /// The load averages of 1, 5 and 15 minutes before.
    public var loadBefore: [Double]
    /// The load averages of 1, 5 and 15 minutes afterwards; empty while the run goes on.
    public var loadAfter: [Double]

    /// A machine.
    ///
    /// - Parameters:
    ///   - processor: the processor's model.
    ///   - cores: how many processors there are.
    ///   - memoryGiB: the memory in GiB.
    ///   - kernel: the kernel's release.
    ///   - commit: the commit of the sources.
    ///   - syncMicroseconds: the median time of `fdatasync`.
    ///   - loadBefore: the load averages before.
    ///   - loadAfter: the load averages afterwards.
    public init(
        processor: String, cores: Int, memoryGiB: Int, kernel: String, commit: String?, syncMicroseconds: Double?,
        loadBefore: [Double], loadAfter: [Double] = []
    ) {
        (self.processor, self.cores, self.memoryGiB, self.kernel) = (processor, cores, memoryGiB, kernel)
        (self.commit, self.syncMicroseconds) = (commit, syncMicroseconds)
        (self.loadBefore, self.loadAfter) = (loadBefore, loadAfter)
    }

    /// This machine now.
    ///
    /// - Parameter cleanup: what removes the file of the measurement of `fdatasync`.
    /// - Returns: its description.
    /// - Throws: ``BenchFailure`` when nothing can be written to the temporary folder.
    public static func current(cleanup: Cleanup) throws -> MachineDescription {
        let processor = field("model name", in: "/proc/cpuinfo") ?? "unknown processor"
        let kilobytes = field("MemTotal", in: "/proc/meminfo").flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
        return MachineDescription(
            processor: processor, cores: ProcessInfo.processInfo.activeProcessorCount,
            memoryGiB: (kilobytes + 524_288) / 1_048_576,
            kernel: text(of: "/proc/sys/kernel/osrelease").trimmingCharacters(in: .whitespacesAndNewlines),
            commit: try commit(cleanup), syncMicroseconds: try syncMicroseconds(cleanup), loadBefore: load())
    }

    /// The load averages of 1, 5 and 15 minutes.
    ///
    /// - Returns: three numbers; none when the kernel does not tell.
    public static func load() -> [Double] {
        text(of: "/proc/loadavg").split(separator: " ").prefix(3).compactMap { Double($0) }
    }

    /// The description in one line.
    public var text: String {
        var parts = [
            "\(cores) cores of \(processor)", "\(memoryGiB) GiB", "Linux \(kernel)",
            "fdatasync \(TextTable.number(syncMicroseconds)) us (median)", "load \(Self.describe(loadBefore)) before",
        ]
        if !loadAfter.isEmpty { parts.append("\(Self.describe(loadAfter)) afterwards") }
        if let commit { parts.append("sources of commit \(commit)") }
        return parts.joined(separator: ", ")
    }

    private static func describe(_ load: [Double]) -> String {
        load.isEmpty ? "unknown" : load.map { String(format: "%.2f", $0) }.joined(separator: " ")
    }

    /// The first value of a field in one of the kernel's lists.
    private static func field(_ name: String, in path: String) -> String? {
        for line in text(of: path).split(separator: "\n") where line.hasPrefix(name) {
            return line.split(separator: ":", maxSplits: 1).last.map { $0.trimmingCharacters(in: .whitespaces) }
        }
        return nil
    }

    private static func text(of path: String) -> String {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    private static func commit(_ cleanup: Cleanup) throws -> String? {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
        func git(_ words: [String]) throws -> String? {
            let found = try BenchChild.run(["git", "-C", folder] + words, cleanup: cleanup, errors: "/dev/null")
            return found.ending == .exited(0) ? found.output.trimmingCharacters(in: .whitespacesAndNewlines) : nil
        }
        do {
            guard let commit = try git(["rev-parse", "--short=12", "HEAD"]), !commit.isEmpty else { return nil }
            // The figures themselves, which a run writes, do not change what was built.
            let changed = try git([
                "status", "--porcelain", "--untracked-files=normal", "--", ":(top)", ":(top,exclude)docs",
            ])
            return changed == "" ? commit : commit + "+"
        } catch let failure as BenchFailure where failure.exitCode == 69 {
            // There is no git on this machine.
            return nil
        }
    }

    /// Writes and syncs as a log does.
    private static func syncMicroseconds(_ cleanup: Cleanup) throws -> Double? {
        let folder = try TemporaryFolder("sync", cleanup: cleanup)
        defer { folder.remove() }
        let file = open(folder.file("probe"), O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw BenchFailure.system(folder.path) }
        defer { close(file) }
        let page = [UInt8](repeating: 65, count: 4_096)
        var times = Series()
        for step in 0..<101 {
            let cost = try Stopwatch.measure {
                guard pwrite(file, page, page.count, step * page.count) == page.count, fdatasync(file) == 0 else {
                    throw BenchFailure.system("fdatasync in \(folder.path)")
                }
            }
            times.add(cost.wall / 1e3)
        }
        return times.median
    }
}
