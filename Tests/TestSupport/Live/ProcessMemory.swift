// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import Glibc

/// What the kernel says about the memory of a process, in KiB.
package struct ProcessMemory: Sendable {
    /// All resident pages (`VmRSS`), with those of the program and of mapped files.
    package let residentKiB: Int
    /// The resident pages that are not backed by a file (`RssAnon`): heap and stacks.
    package let anonymousKiB: Int

    /// Looks at a process.
    package init(of pid: pid_t) throws {
        let text = String(decoding: try Files.read("/proc/\(pid)/status"), as: UTF8.self)
        func value(_ key: String) throws -> Int {
            for line in text.split(separator: "\n") where line.hasPrefix(key + ":") {
                let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
                if words.count > 1, let number = Int(words[1]) { return number }
            }
            throw LiveFailure("/proc/\(pid)/status has no \(key)")
        }
        residentKiB = try value("VmRSS")
        anonymousKiB = try value("RssAnon")
    }
}
