// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import FoundationEssentials

/// What `pluto pki` did, for the person who asked.
package struct PKIReport: Hashable, Sendable, CustomStringConvertible {
    /// One file that was made, or left as it was.
    package struct Entry: Hashable, Sendable {
        /// What was done: `made`, `issued`, `kept`, `added` or `removed`.
        package let action: String
        /// What it is, such as `worker eu-worker-1`.
        package let subject: String
        /// The certificate's file.
        package let path: String
        /// When the certificate ends.
        package let notValidAfter: Date
    }

    /// The files in the order of the work.
    package var entries: [Entry] = []
    /// What to do next.
    package var advice: [String] = []

    /// When the first of all these certificates ends; nil when there is none.
    package var firstEnd: Date? { entries.filter { $0.action != "removed" }.map(\.notValidAfter).min() }

    /// A line for each file, then the advice.
    package var description: String {
        let lines = entries.map { entry in
            let end = entry.notValidAfter.formatted(.iso8601.year().month().day())
            return "\(Self.padded(entry.action, 8))\(Self.padded(entry.subject, 28)) until \(end)  \(entry.path)"
        }
        return (lines + advice).map { $0 + "\n" }.joined()
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    mutating func add(_ action: String, _ subject: String, _ path: String, until end: Date) {
        entries.append(Entry(action: action, subject: subject, path: path, notValidAfter: end))
    }
}
