// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorWire
internal import SyncJobs

extension Registry {
    /// Takes the events of a worker of ours that were not taken yet.
    ///
    /// - Returns: the number of the last event that was taken.
    /// - Throws: a refusal when a newer process is registered, the worker is not known, or a name is none.
    mutating func take(_ events: WorkerEvents, from id: String, at moment: Moment) throws(Refusal) -> UInt64 {
        guard let entry = workers[id] else { throw .unknown("worker \(id) is not registered yet") }
        guard !events.incarnation.isEmpty else { throw .invalid("\"incarnation\" is missing") }
        try check(events.incarnation, events.started, entry)
        for event in events.events { try Self.check(event) }
        var record = entry.record
        if record.worker.incarnation != events.incarnation {
            record.worker.incarnation = events.incarnation
            record.worker.started = events.started
        }
        if record.outbox != events.outbox {
            record.outbox = events.outbox
            record.lastSequence = 0
        }
        for event in events.events where event.sequence > record.lastSequence {
            try take(event, from: id, at: moment.time)
            record.lastSequence = event.sequence
        }
        workers[id]?.record = record
        contact(id, at: moment, saves: true)
        return record.lastSequence
    }

    private mutating func take(_ event: WorkerEvent, from id: String, at now: WireTime) throws(Refusal) {
        switch event.kind {
        case .status(let change): try take(change, from: id, at: now)
        case .schedules(_, let schedules): _ = take(schedules, from: id)
        case .removed(let name): remove(MirrorKey(name: name, worker: id))
        case .run(let run):
            let key = MirrorKey(name: run.name, worker: id)
            guard mirrors[key] != nil else { return }
            var kept = run
            kept.message = cut(run.message)
            kept.size = cut(run.size)
            batch.runs.append(StoreBatch.Run(key: key, record: kept))
        }
    }

    /// Refuses names that are none before anything is taken.
    private static func check(_ event: WorkerEvent) throws(Refusal) {
        let name: String
        switch event.kind {
        case .status(let change): name = change.status.name
        case .removed(let removed): name = removed
        case .run(let run): name = run.name
        case .schedules: return
        }
        guard JobName(name) != nil else { throw .invalid("event \(event.sequence): there can be no such mirror name") }
    }
}
