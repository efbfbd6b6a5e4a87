// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Logging
internal import MirrorWire
internal import SyncJobs

/// Tells a manager of tunasync what the outbox has for it, in the messages and the order of tunasync's worker.
///
/// Each status is followed by the list of due times. After an outage only the last status of each mirror is told: the manager stamps what it
/// gets with its own clock, so old ones would only be wrong.
struct LegacyDelivery {
    /// Behind by more than so many messages, the list of due times is told once instead of after each status.
    private static let freshMessages = 16

    let link: ManagerLink

    /// Tells until the link is closed and there is nothing left.
    func run(isAfterOutage: Bool) async throws(LinkFailure) {
        var isAfterOutage = isAfterOutage
        while !link.isAbandoned {
            guard let (entries, through) = link.outbox.next(for: link.id, limit: link.limits.eventsPerMessage) else {
                // What waits was told, so the next statuses are fresh.
                isAfterOutage = false
                if link.isFinished { return }
                await link.flag.wait()
                continue
            }
            for entry in Self.reduced(entries, toLast: isAfterOutage) {
                try await tell(entry)
                link.outbox.acknowledge(entry.sequence, by: link.id)
            }
            link.outbox.acknowledge(through, by: link.id)
        }
    }

    /// Leaves out what is of no use any more.
    ///
    /// - Parameters:
    ///   - entries: what there is to tell.
    ///   - isToLast: whether only the last status of each mirror is told.
    /// - Returns: what is told, in its order.
    static func reduced(_ entries: [Outbox.Entry], toLast isToLast: Bool) -> [Outbox.Entry] {
        guard isToLast || entries.count > freshMessages else { return entries }
        var names: Set<String> = []
        var hasSchedules = false
        var kept: [Outbox.Entry] = []
        for entry in entries.reversed() {
            switch entry.event.content {
            case .status(let status):
                if names.insert(status.name).inserted || !isToLast { kept.append(entry) }
            case .schedules:
                if !hasSchedules { kept.append(entry) }
                hasSchedules = true
            case .removed, .run: break
            }
        }
        return kept.reversed()
    }

    private func tell(_ entry: Outbox.Entry) async throws(LinkFailure) {
        let worker = link.identity().name
        let path = "/workers/\(ManagerClient.segment(worker))"
        switch entry.event.content {
        case .status(let status):
            let document = status.document(worker: worker)
            try await send("\(path)/jobs/\(ManagerClient.segment(status.name))", document.jsonLine)
        case .schedules:
            let rows = entry.schedules ?? link.outbox.currentSchedules
            let list = ScheduleList(schedules: rows.isEmpty ? nil : rows.map(ScheduleList.Entry.init))
            try await send("\(path)/schedules", list.jsonLine)
        case .removed, .run: break
        }
    }

    /// Sends a message; one that the manager keeps refusing is left out, so that it does not hold up the others.
    private func send(_ path: String, _ body: [UInt8]) async throws(LinkFailure) {
        var backoff = Backoff(first: link.limits.firstRetry, longest: link.limits.longestRetry)
        for attempt in 1...max(1, link.limits.attemptsPerMessage) {
            let answer = try await link.ask { try await link.client.post(path, body) }
            do throws(LinkFailure) {
                return try link.check(answer)
            } catch {
                guard case .refused(let status, let text) = error else { throw error }
                if status == 401 || status == 403 { throw error }
                if attempt == link.limits.attemptsPerMessage || (400..<500).contains(status) {
                    link.logger.error(
                        "the manager refuses a message; it is left out",
                        metadata: ["path": "\(path)", "status": "\(status)", "answer": "\(text)"])
                    return
                }
            }
            await link.flag.wait(atMost: backoff.failed())
            if link.isClosed || Task.isCancelled { throw .unreachable("the worker is stopping") }
        }
    }
}

extension ScheduleList.Entry {
    /// A due time as it is told.
    init(_ due: Outbox.Due) { self.init(name: due.name.text, nextSchedule: WireTime(due.time)) }
}

extension OutboxEvent.Status {
    /// The status as it is told: managers fill in the times.
    func document(worker: String) -> MirrorStatus {
        MirrorStatus(
            name: name, worker: worker, isMaster: isMaster, status: JobState(rawValue: state) ?? .none,
            upstream: upstream,
            size: size, errorMessage: message)
    }
}
