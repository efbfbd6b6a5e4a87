// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A mirror of a worker.
package struct MirrorKey: Hashable, Comparable, Sendable {
    /// The mirror's name.
    package let name: String
    /// The worker's id.
    package let worker: String

    /// Names a mirror of a worker.
    package init(name: String, worker: String) {
        self.name = name
        self.worker = worker
    }

    package static func < (left: MirrorKey, right: MirrorKey) -> Bool {
        (left.name, left.worker) < (right.name, right.worker)
    }
}
