// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport
package import SyncJobs

/// A worker's configuration, read and checked, with the place that each value came from.
package struct WorkerConfiguration: Sendable {
    /// What the worker runs with.
    package let settings: WorkerSettings
    /// All files that were read, absolute: the one that was named first, then what it includes.
    package let files: [String]
    /// Where the worker's own values are written, by the names that ``WorkerSettings/fields`` has; what is absent is standard.
    package let origins: [String: [ConfigPlace]]
    /// The same for each mirror, by the names that ``MirrorSettings/fields`` has.
    package let mirrorOrigins: [JobName: [String: [ConfigPlace]]]
}
