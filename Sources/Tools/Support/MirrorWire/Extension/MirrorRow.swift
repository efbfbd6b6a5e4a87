// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import SyncJobs

/// A row of `/api/v1/mirrors`: what `/jobs` has, and what it lacks.
package struct MirrorRow: WireDocument, Hashable {
    /// What `/jobs` has.
    package var web: WebStatus
    /// The worker.
    package var worker: String
    /// Why it failed last.
    package var errorMessage: String
    /// The number of its last run; 0 when that is not known.
    package var run: UInt64
    /// The attempt of its last run, from 1; 0 when that is not known.
    package var attempt: UInt64
    /// How far its run is; nothing when none is going on or nobody knows.
    package var progress: RunProgress?
    /// Whether the worker was heard of lately.
    package var isWorkerOnline: Bool
    /// The kind of its last failure.
    package var failure: FailureClass?

    /// Describes a mirror.
    package init(
        _ status: MirrorStatus, run: UInt64 = 0, attempt: UInt64 = 0, progress: RunProgress? = nil,
        isWorkerOnline: Bool, failure: FailureClass? = nil
    ) {
        web = WebStatus(status)
        worker = status.worker
        errorMessage = status.errorMessage
        self.run = run
        self.attempt = attempt
        self.progress = progress
        self.isWorkerOnline = isWorkerOnline
        self.failure = failure
    }

    package init(_ fields: JSONFields) throws(WireError) {
        web = try WebStatus(fields)
        worker = try fields.string("worker")
        errorMessage = try fields.string("error_msg")
        run = try fields.count("run") ?? 0
        attempt = try fields.count("attempt") ?? 0
        progress = try fields.document("progress")
        isWorkerOnline = try fields.bool("worker_online")
        failure = try fields.failure("failure")
    }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            web.writeMembers(to: &writer)
            writer.name("worker")
            writer.string(worker)
            writer.name("error_msg")
            writer.string(errorMessage)
            writer.name("run")
            writer.number(run)
            writer.name("attempt")
            writer.number(attempt)
            writer.name("progress")
            if let progress { progress.write(to: &writer) } else { writer.null() }
            writer.name("worker_online")
            writer.bool(isWorkerOnline)
            writer.name("failure")
            writer.string(failure?.rawValue ?? "")
        }
    }
}

/// A row of `/api/v1/workers`.
package struct WorkerRow: WireDocument, Hashable {
    /// The worker's id.
    package var id: String
    /// Where its commands go; empty when that is not known.
    package var url: String
    /// When it was last heard of.
    package var lastOnline: WireTime
    /// When it registered last.
    package var lastRegister: WireTime
    /// Whether it was heard of lately; a worker of tunasync, which only speaks when something happens, until a command
    /// cannot be delivered.
    package var isOnline: Bool
    /// Whether it is a worker of tunasync.
    package var isLegacy: Bool
    /// What tells its process from earlier ones; empty for workers of tunasync.
    package var incarnation: String
    /// The version of the program.
    package var version: String
    /// How many of its jobs are due and wait.
    package var queued: UInt64
    /// How many of its mirrors the manager knows.
    package var mirrors: UInt64

    /// Describes a worker.
    package init(
        id: String, url: String, lastOnline: WireTime, lastRegister: WireTime, isOnline: Bool, isLegacy: Bool,
        incarnation: String, version: String, queued: UInt64, mirrors: UInt64
    ) {
        self.id = id
        self.url = url
        self.lastOnline = lastOnline
        self.lastRegister = lastRegister
        self.isOnline = isOnline
        self.isLegacy = isLegacy
        self.incarnation = incarnation
        self.version = version
        self.queued = queued
        self.mirrors = mirrors
    }

    package init(_ fields: JSONFields) throws(WireError) {
        id = try fields.string("id")
        url = try fields.string("url")
        lastOnline = try fields.time("last_online")
        lastRegister = try fields.time("last_register")
        isOnline = try fields.bool("online")
        isLegacy = try fields.bool("legacy")
        incarnation = try fields.string("incarnation")
        version = try fields.string("version")
        queued = try fields.count("queued") ?? 0
        mirrors = try fields.count("mirrors") ?? 0
    }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.name("id")
            writer.string(id)
            writer.name("url")
            writer.string(url)
            writer.name("last_online")
            writer.time(lastOnline)
            writer.name("last_register")
            writer.time(lastRegister)
            writer.name("online")
            writer.bool(isOnline)
            writer.name("legacy")
            writer.bool(isLegacy)
            writer.name("incarnation")
            writer.string(incarnation)
            writer.name("version")
            writer.string(version)
            writer.name("queued")
            writer.number(queued)
            writer.name("mirrors")
            writer.number(mirrors)
        }
    }
}
