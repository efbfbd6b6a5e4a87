// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Foundation

/// The memory of this process.
enum MemoryUse {
    /// The resident memory that no file backs, in MiB.
    static func anonymousMiB() -> Double {
        guard let status = FileManager.default.contents(atPath: "/proc/self/status") else { return 0 }
        for line in String(decoding: status, as: UTF8.self).split(separator: "\n") where line.hasPrefix("RssAnon:") {
            return (Double(line.filter(\.isNumber)) ?? 0) / 1_024
        }
        return 0
    }
}
