// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorWire
internal import SyncJobs

/// Tells a manager of ours what the outbox has for it: many numbered events in one message, which it may get twice.
struct ExtendedDelivery {
    let link: ManagerLink

    /// Tells until the link is closed and there is nothing left.
    func run() async throws(LinkFailure) {
        while !link.isAbandoned {
            guard let (entries, through) = link.outbox.next(for: link.id, limit: link.limits.eventsPerMessage) else {
                if link.isFinished { return }
                await link.flag.wait()
                continue
            }
            guard let last = entries.last else {
                link.outbox.acknowledge(through, by: link.id)
                continue
            }
            let acknowledged = try await send(entries)
            guard acknowledged >= last.sequence else {
                throw .refused(status: 200, "it keeps events only up to \(acknowledged) of \(last.sequence)")
            }
            link.outbox.acknowledge(through, by: link.id)
        }
    }

    private func send(_ entries: [Outbox.Entry]) async throws(LinkFailure) -> UInt64 {
        let identity = link.identity()
        let message = WorkerEvents(
            incarnation: identity.incarnation, started: identity.started, outbox: identity.outbox,
            events: Self.events(entries, worker: identity.name, schedules: link.outbox.currentSchedules))
        let path = "/api/v1/workers/\(ManagerClient.segment(identity.name))/events"
        let answer = try await link.ask { try await link.client.post(path, message.json) }
        try link.check(answer)
        do { return try EventsAnswer(json: answer.body).acknowledged } catch {
            throw .refused(status: answer.status, "its answer cannot be read: \(error)")
        }
    }

    /// The events of a message; of several lists of due times only the last is told.
    static func events(_ entries: [Outbox.Entry], worker: String, schedules: [Outbox.Due]) -> [WorkerEvent] {
        let lastSchedules = entries.last { $0.event.content == .schedules }?.sequence
        return entries.compactMap { entry in
            let at = WireTime(JobTime(milliseconds: entry.event.at))
            switch entry.event.content {
            case .status(let status):
                let change = WorkerEvent.StatusChange(
                    at: at, run: status.run, attempt: UInt64(max(0, status.attempt)),
                    status: status.document(worker: worker),
                    failure: status.failure.flatMap { FailureClass(rawValue: $0) },
                    isFinal: status.isFinal)
                return WorkerEvent(sequence: entry.sequence, kind: .status(change))
            case .schedules:
                guard entry.sequence == lastSchedules else { return nil }
                return WorkerEvent(
                    sequence: entry.sequence, kind: .schedules(at: at, schedules.map(ScheduleList.Entry.init)))
            case .removed(let name): return WorkerEvent(sequence: entry.sequence, kind: .removed(name: name))
            case .run(let run): return WorkerEvent(sequence: entry.sequence, kind: .run(run.record))
            }
        }
    }
}

extension OutboxEvent.Run {
    /// The run as it is told.
    var record: RunRecord {
        RunRecord(
            name: name, run: run, started: WireTime(JobTime(milliseconds: started)),
            ended: WireTime(JobTime(milliseconds: ended)), state: JobState(rawValue: state) ?? .none,
            attempts: UInt64(max(0, attempts)), size: size, bytes: bytes.map { UInt64(max(0, $0)) }, message: message)
    }
}
