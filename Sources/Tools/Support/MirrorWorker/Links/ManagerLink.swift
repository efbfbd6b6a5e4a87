// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Logging
internal import MirrorConfig
internal import MirrorWire
internal import Synchronization
internal import SyncJobs

/// One manager: registers with it for as long as it takes, tells it what the outbox has for it, and hears how it remembers the mirrors.
final class ManagerLink: Sendable {
    /// What metrics and people see of a link.
    struct Report: Sendable {
        var isConnected = false
        var isOurs = false
        var registrations: UInt64 = 0
        var failure: String?
    }

    /// What the manager remembered after a registration.
    struct Knowledge: Sendable {
        var rows: [MirrorStatus]
        /// The number up to which it had been told everything when it was asked.
        var toldThrough: UInt64
        /// Whether the manager is ours: it is told of mirrors that never ran too.
        var isOurs: Bool
    }

    private struct State {
        var report = Report()
        var isClosed = false
        var isAbandoned = false
    }

    /// The manager's base address, by which outbox and store know it.
    let id: String
    let client: ManagerClient
    let outbox: Outbox
    let board: RunningBoard
    let identity: @Sendable () -> WorkerIdentity
    let limits: WorkerLimits
    let logger: Logger
    let flag: WakeFlag
    private let state = Mutex(State())
    /// Told once per registration what the manager remembers.
    private let onKnowledge: @Sendable (String, Knowledge?) -> Void
    private let onFenced: @Sendable (String) -> Void

    /// Prepares a link; nothing is sent before ``run()``.
    ///
    /// - Parameters:
    ///   - address: the manager.
    ///   - outbox: what there is to tell.
    ///   - board: what is going on, for heartbeats.
    ///   - limits: what bounds waits.
    ///   - logger: where it logs.
    ///   - identity: who the worker is.
    ///   - onKnowledge: is told after each registration what the manager remembers, and after the first failure that it does not answer.
    ///   - onFenced: is told that a newer process of the worker is registered.
    /// - Throws: an error of the TLS library.
    init(
        _ address: ManagerAddress, outbox: Outbox, board: RunningBoard, limits: WorkerLimits, logger: Logger,
        identity: @escaping @Sendable () -> WorkerIdentity,
        onKnowledge: @escaping @Sendable (String, Knowledge?) -> Void, onFenced: @escaping @Sendable (String) -> Void
    ) throws {
        id = Self.id(of: address)
        client = try ManagerClient(address, limits: limits)
        outbox.add(manager: id)
        flag = outbox.flag(of: id) ?? WakeFlag()
        self.outbox = outbox
        self.board = board
        self.identity = identity
        self.limits = limits
        self.onKnowledge = onKnowledge
        self.onFenced = onFenced
        var logger = logger
        logger[metadataKey: "manager"] = "\(address.baseURL)"
        self.logger = logger
    }

    /// What the store calls a manager; its keys have a limit.
    static func id(of address: ManagerAddress) -> String {
        String(decoding: address.baseURL.utf8.prefix(480), as: UTF8.self)
    }

    /// What metrics and people see.
    var report: Report { state.withLock { $0.report } }

    /// Ends ``run()``: at once, or when all that may be told is told.
    func close() {
        state.withLock { $0.isClosed = true }
        flag.raise()
    }

    /// Ends ``run()`` although there is something left to tell: nobody wants the manager to be told any more.
    func abandon() {
        state.withLock { state in
            state.isClosed = true
            state.isAbandoned = true
        }
        flag.raise()
    }

    /// Whether nothing more is to be told.
    var isAbandoned: Bool { state.withLock { $0.isAbandoned } }

    /// Whether there is nothing more to tell: also nothing that is still being written.
    var isFinished: Bool { Task.isCancelled || (isClosed && outbox.pending(for: id) == 0) }

    /// Whether the link is to end.
    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Tells the manager everything until the link is closed or the task is cancelled.
    func run() async {
        var backoff = Backoff(first: limits.firstRetry, longest: limits.longestRetry)
        var isFirst = true
        while !Task.isCancelled {
            let start = ContinuousClock.now
            do throws(LinkFailure) {
                let isOurs = try await register()
                connected(isOurs: isOurs)
                try await tell(isOurs: isOurs, isAfterOutage: !isFirst)
                break
            } catch {
                if failed(error, isFirst: isFirst) { break }
            }
            // A manager that registers the worker and then refuses what it is told is not asked all the time.
            if ContinuousClock.now - start > limits.longestRetry { backoff.succeeded() }
            isFirst = false
            // What a closing worker cannot tell now is told after its next start.
            if isClosed || Task.isCancelled { break }
            await flag.wait(atMost: backoff.failed())
        }
        await client.close()
        board.forget(reader: id)
    }

    // MARK: Registering

    /// Registers; a manager that turns out to be ours is told everything it wants to know.
    private func register() async throws(LinkFailure) -> Bool {
        var isOurs = state.withLock { $0.report.isOurs }
        while true {
            let document = identity().registration(isExtended: isOurs)
            let answer = try await ask { try await client.post("/workers", document.jsonLine) }
            try check(answer)
            if answer.isOurs == isOurs { break }
            isOurs = answer.isOurs
            // A manager of tunasync has taken the keys of ours for nothing, so it need not be told twice.
            if !isOurs { break }
        }
        let path = "/workers/\(ManagerClient.segment(identity().name))/jobs"
        let toldThrough = outbox.toldThrough(id)
        let answer = try await ask { try await client.get(path) }
        try check(answer)
        do {
            let (rows, unreadable) = try ManagerDocuments.statuses(answer.body, maximumBytes: limits.maximumAnswerBytes)
            if unreadable > 0 {
                logger.warning(
                    "the manager remembers mirrors in a way that cannot be read; the worker's own memory is used for them",
                    metadata: ["rows": "\(unreadable)"])
            }
            onKnowledge(id, Knowledge(rows: rows, toldThrough: toldThrough, isOurs: isOurs))
        } catch {
            throw .refused(status: answer.status, "its list of mirrors cannot be read: \(error)")
        }
        return isOurs
    }

    private func tell(isOurs: Bool, isAfterOutage: Bool) async throws(LinkFailure) {
        guard isOurs else { return try await LegacyDelivery(link: self).run(isAfterOutage: isAfterOutage) }
        let result: Result<Void, LinkFailure> = await withTaskGroup { group in
            group.addTask {
                await self.outcome { () throws(LinkFailure) in try await ExtendedDelivery(link: self).run() }
            }
            group.addTask { await self.outcome { () throws(LinkFailure) in try await Heartbeats(link: self).run() } }
            // Events end when the link is closed, heartbeats only with a failure.
            let first = await group.next() ?? .success(())
            group.cancelAll()
            return first
        }
        try result.get()
    }

    private func outcome(_ body: () async throws(LinkFailure) -> Void) async -> Result<Void, LinkFailure> {
        do throws(LinkFailure) {
            try await body()
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    // MARK: Answers

    /// Sends a request.
    func ask(_ request: () async throws -> ManagerAnswer) async throws(LinkFailure) -> ManagerAnswer {
        do { return try await request() } catch { throw .unreachable("\(error)") }
    }

    /// Looks at an answer that must be a success.
    func check(_ answer: ManagerAnswer) throws(LinkFailure) {
        if answer.isSuccess { return }
        // What is no such document is no fence.
        if answer.status == 409, (try? ErrorAnswer(json: answer.body))?.isFenced == true { throw .fenced }
        if answer.status == 404 || (answer.status == 400 && answer.excerpt.contains("invalid workerID")) {
            throw .unregistered
        }
        throw .refused(status: answer.status, answer.excerpt)
    }

    private func connected(isOurs: Bool) {
        state.withLock { state in
            state.report.isConnected = true
            state.report.isOurs = isOurs
            state.report.registrations += 1
            state.report.failure = nil
        }
        logger.info("registered", metadata: ["extended": "\(isOurs)"])
    }

    /// Notes a failure; says whether the link ends with it.
    private func failed(_ failure: LinkFailure, isFirst: Bool) -> Bool {
        let isNew = state.withLock { state in
            let isNew = state.report.failure == nil
            state.report.isConnected = false
            state.report.failure = failure.description
            return isNew
        }
        if isNew, !isClosed {
            logger.warning(
                "the manager is not told anything now; it is tried again", metadata: ["reason": "\(failure)"])
        }
        if failure == .fenced {
            onFenced(id)
            return true
        }
        if isFirst { onKnowledge(id, nil) }
        return false
    }
}
