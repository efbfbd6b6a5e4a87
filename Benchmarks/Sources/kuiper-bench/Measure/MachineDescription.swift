// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Foundation

/// The machine in the terms that matter for a figure; nothing that names it.
struct MachineDescription: Codable {
    let processor: String
    let cores: Int
    let memoryGiB: Int
    let kernel: String

    static func current() -> MachineDescription {
        let processor = field("model name", in: "/proc/cpuinfo") ?? "unknown processor"
        let kilobytes = field("MemTotal", in: "/proc/meminfo").flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
        let release = FileManager.default.contents(atPath: "/proc/sys/kernel/osrelease") ?? Data()
        return MachineDescription(
            processor: processor, cores: ProcessInfo.processInfo.activeProcessorCount,
            memoryGiB: (kilobytes + 524_288) / 1_048_576,
            kernel: String(decoding: release, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
    }

    var text: String { "\(cores) cores of \(processor), \(memoryGiB) GiB, Linux \(kernel)" }

    /// The first value of a field in one of the kernel's lists.
    private static func field(_ name: String, in path: String) -> String? {
        guard let bytes = FileManager.default.contents(atPath: path) else { return nil }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix(name) {
            return line.split(separator: ":", maxSplits: 1).last.map { $0.trimmingCharacters(in: .whitespaces) }
        }
        return nil
    }
}
