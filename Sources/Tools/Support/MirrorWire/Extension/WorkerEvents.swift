// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import SyncJobs

/// What happened on a worker, in order, each with a number that never comes back.
package struct WorkerEvents: WireDocument, Hashable {
    /// What tells this process from earlier ones of the worker.
    package var incarnation: String
    /// When this process started.
    package var started: WireTime
    /// What tells the worker's outbox from an earlier one that was lost; the numbers of events begin anew in a new outbox.
    package var outbox: String
    /// The events in the order of their numbers.
    package var events: [WorkerEvent]

    /// Describes events.
    package init(incarnation: String, started: WireTime, outbox: String, events: [WorkerEvent]) {
        self.incarnation = incarnation
        self.started = started
        self.outbox = outbox
        self.events = events
    }

    package init(_ fields: JSONFields) throws(WireError) {
        incarnation = try fields.string("incarnation")
        started = try fields.time("started")
        outbox = try fields.string("outbox")
        events = try fields.documents("events") ?? []
    }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.name("incarnation")
            writer.string(incarnation)
            writer.name("started")
            writer.time(started)
            if !outbox.isEmpty {
                writer.name("outbox")
                writer.string(outbox)
            }
            writer.name("events")
            events.write(to: &writer)
        }
    }
}

/// One event of a worker.
package struct WorkerEvent: WireDocument, Hashable {
    /// What happened.
    package enum Kind: Hashable, Sendable {
        /// A mirror's state changed.
        case status(StatusChange)
        /// The due times are these; mirrors that are not named have none.
        case schedules(at: WireTime, [ScheduleList.Entry])
        /// A mirror is not the worker's any more.
        case removed(name: String)
        /// A run is over.
        case run(RunRecord)
    }

    /// A change of a mirror's state.
    package struct StatusChange: Hashable, Sendable {
        /// When.
        package var at: WireTime
        /// The run's number; nothing for what somebody asked for.
        package var run: UInt64?
        /// The attempt, from 1; 0 outside of attempts.
        package var attempt: UInt64
        /// What the mirror is now.
        package var status: MirrorStatus
        /// The kind of failure.
        package var failure: FailureClass?
        /// Whether the run is over.
        package var isFinal: Bool

        /// Describes a change.
        package init(
            at: WireTime, run: UInt64?, attempt: UInt64, status: MirrorStatus, failure: FailureClass? = nil,
            isFinal: Bool
        ) {
            self.at = at
            self.run = run
            self.attempt = attempt
            self.status = status
            self.failure = failure
            self.isFinal = isFinal
        }
    }

    /// The event's number, from 1.
    package var sequence: UInt64
    /// What happened.
    package var kind: Kind

    /// Describes an event.
    package init(sequence: UInt64, kind: Kind) {
        self.sequence = sequence
        self.kind = kind
    }

    package init(_ fields: JSONFields) throws(WireError) {
        guard let sequence = try fields.count("seq"), sequence > 0 else {
            throw WireError(.missing, "\"\(fields.full("seq"))\" must be a number from 1")
        }
        self.sequence = sequence
        switch try fields.string("kind") {
        case "status":
            guard let status: MirrorStatus = try fields.document("status") else {
                throw WireError(.missing, "\"\(fields.full("status"))\" is missing")
            }
            kind = .status(
                StatusChange(
                    at: try fields.time("at"), run: try fields.count("run"), attempt: try fields.count("attempt") ?? 0,
                    status: status, failure: try fields.failure("failure"), isFinal: try fields.bool("is_final")))
        case "schedules":
            kind = .schedules(at: try fields.time("at"), try fields.documents("schedules") ?? [])
        case "removed": kind = .removed(name: try fields.string("name"))
        case "run": kind = .run(try RunRecord(fields))
        case let other:
            throw WireError(
                .unknownValue, "\"\(fields.full("kind"))\" must be status, schedules, removed or run, not \(other)")
        }
    }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.name("seq")
            writer.number(sequence)
            writer.name("kind")
            switch kind {
            case .status(let change):
                writer.string("status")
                change.writeMembers(to: &writer)
            case .schedules(let time, let schedules):
                writer.string("schedules")
                writer.name("at")
                writer.time(time)
                writer.name("schedules")
                schedules.write(to: &writer)
            case .removed(let name):
                writer.string("removed")
                writer.name("name")
                writer.string(name)
            case .run(let record):
                writer.string("run")
                writer.name("name")
                writer.string(record.name)
                record.writeMembers(to: &writer)
            }
        }
    }
}

extension WorkerEvent.StatusChange {
    fileprivate func writeMembers(to writer: inout JSONWriter) {
        writer.name("at")
        writer.time(at)
        writer.optional("run", run)
        writer.name("attempt")
        writer.number(attempt)
        writer.name("status")
        status.write(to: &writer)
        writer.name("failure")
        writer.string(failure?.rawValue ?? "")
        writer.name("is_final")
        writer.bool(isFinal)
    }
}

/// The manager's answer to events.
package struct EventsAnswer: WireDocument, Hashable {
    /// The number of the last event that is kept for good.
    package var acknowledged: UInt64

    /// Creates an answer.
    package init(acknowledged: UInt64) { self.acknowledged = acknowledged }

    package init(_ fields: JSONFields) throws(WireError) { acknowledged = try fields.count("acknowledged") ?? 0 }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.name("acknowledged")
            writer.number(acknowledged)
        }
    }
}

extension JSONFields {
    /// A kind of failure; nothing when it is absent or empty.
    package func failure(_ name: String) throws(WireError) -> FailureClass? {
        let text = try string(name)
        if text.isEmpty { return nil }
        guard let failure = FailureClass(rawValue: text) else {
            let known = FailureClass.allCases.map(\.rawValue).joined(separator: ", ")
            throw WireError(.unknownValue, "\"\(full(name))\" must be empty or one of \(known)")
        }
        return failure
    }
}
