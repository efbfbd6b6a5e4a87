// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import MirrorWire
package import SyncJobs

/// What the manager keeps of a mirror for good.
package struct MirrorRecord: WireDocument, Hashable {
    /// What everybody knows of it.
    package var status: MirrorStatus
    /// The number of its last run; 0 when its worker does not number them.
    package var run: UInt64
    /// The attempt of its last run.
    package var attempt: UInt64
    /// The kind of its last failure.
    package var failure: FailureClass?

    /// Describes a mirror.
    package init(status: MirrorStatus, run: UInt64 = 0, attempt: UInt64 = 0, failure: FailureClass? = nil) {
        self.status = status
        self.run = run
        self.attempt = attempt
        self.failure = failure
    }

    package init(_ fields: JSONFields) throws(WireError) {
        status = try MirrorStatus(fields)
        run = try fields.count("run") ?? 0
        attempt = try fields.count("attempt") ?? 0
        failure = try fields.failure("failure")
    }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            status.writeMembers(to: &writer)
            writer.name("run")
            writer.number(run)
            writer.name("attempt")
            writer.number(attempt)
            writer.name("failure")
            writer.string(failure?.rawValue ?? "")
        }
    }

    /// Whose record it is.
    package var key: MirrorKey { MirrorKey(name: status.name, worker: status.worker) }
}
