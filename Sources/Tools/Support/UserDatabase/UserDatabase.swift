// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
package import Logging
package import NodeSupport
internal import Synchronization

/// The table of users in a PostgreSQL server, asked through a bounded number of connections.
///
/// Each connection has a thread of its own, so that nothing here blocks an event loop or the cooperative pool, and no
/// connection is used by two. Connections are opened when they are first needed, and again after the server was
/// restarted; opening it does not fail when the server is down. A question that meets a connection that has just ended
/// is asked again on a new one. Every question is answered within ``UserDatabaseConfiguration/Limits/lookupMilliseconds``.
///
/// Close it when it is no longer needed: the threads keep it alive until then.
package final class UserDatabase: Sendable {
    /// What can be asked.
    enum Question: Sendable {
        case user(named: String)
        case anyHash
    }

    typealias Answer = Result<[PostgresConnection.Row], DatabaseFailure>

    /// A question and whoever waits for its answer.
    struct Job: Sendable {
        let question: Question
        let deadline: DatabaseDeadline
        let asker: CheckedContinuation<Answer, Never>
    }

    private struct State {
        var waiting: [Job] = []
        /// Where ``waiting`` begins; so that taking the first does not move the others.
        var first = 0
        var threads = 0
        var isClosed = false
        var closers: [CheckedContinuation<Void, Never>] = []

        var count: Int { waiting.count - first }

        mutating func take() -> Job? {
            guard first < waiting.count else { return nil }
            let job = waiting[first]
            first += 1
            if first * 2 >= waiting.count {
                waiting.removeFirst(first)
                first = 0
            }
            return job
        }
    }

    let configuration: UserDatabaseConfiguration
    let authorities: String?
    let logger: Logger
    let metrics: UserDatabaseMetrics?
    /// Has the token while there are jobs.
    let jobs: TokenPipe
    /// Readable from the moment when the threads must end.
    let stop: TokenPipe
    private let state = Mutex(State())

    /// Starts the threads.
    ///
    /// - Parameters:
    ///   - configuration: Where the server is, and the limits.
    ///   - metrics: What is counted; nothing when `nil`.
    ///   - logger: Told when connections come and go, and why there is none.
    /// - Throws: ``NodeError`` with `userDatabaseUnusable` when the authorities or the password cannot be read, or there
    ///   are no threads or descriptors to be had.
    package init(
        configuration: UserDatabaseConfiguration, metrics: UserDatabaseMetrics? = nil, logger: Logger
    ) throws(NodeError) {
        authorities = try configuration.authorities()
        // What is wrong now is said now; later the file is read for each connection.
        _ = try configuration.password()
        self.configuration = configuration
        self.metrics = metrics
        self.logger = logger
        guard let jobs = TokenPipe(), let stop = TokenPipe() else { throw Self.noResources("descriptors") }
        (self.jobs, self.stop) = (jobs, stop)
        for _ in 0..<max(1, configuration.limits.connections) {
            state.withLock { $0.threads += 1 }
            guard Self.startThread({ DatabaseWorker(database: self).run() }) else {
                state.withLock { $0.threads -= 1 }
                break
            }
        }
        if state.withLock({ $0.threads }) == 0 { throw Self.noResources("threads") }
    }

    // MARK: Asking

    /// Looks a user up.
    ///
    /// - Parameter name: The name; without NUL.
    /// - Returns: The row, `nil` when there is no such user, or why nothing can be said.
    func user(named name: String) async -> Result<PostgresConnection.Row?, DatabaseFailure> {
        switch await ask(.user(named: name)) {
        case .failure(let failure): return .failure(failure)
        case .success(let rows) where rows.count > 1:
            return .failure(
                .malformed(
                    "two rows of the table users have one username (ids \(rows[0].id) and \(rows[1].id)); make it unique"
                ))
        case .success(let rows): return .success(rows.first)
        }
    }

    /// Asks a question.
    func ask(_ question: Question) async -> Answer {
        let deadline = DatabaseDeadline(milliseconds: configuration.limits.lookupMilliseconds)
        return await withCheckedContinuation { asker in
            let refusal: DatabaseFailure? = state.withLock { state in
                if state.isClosed { return .closed }
                if state.count >= configuration.limits.waiting { return .busy }
                state.waiting.append(Job(question: question, deadline: deadline, asker: asker))
                if state.count == 1 { jobs.post() }
                return nil
            }
            if let refusal { asker.resume(returning: .failure(refusal)) }
        }
    }

    // MARK: Ending

    /// Answers what waits with a failure, closes the connections and ends the threads.
    package func close() async {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        if isFirst { stop.post() }
        await withCheckedContinuation { closer in
            let isOver = state.withLock { state in
                if state.threads > 0 { state.closers.append(closer) }
                return state.threads == 0
            }
            if isOver { closer.resume() }
        }
    }

    // MARK: For the threads

    /// Takes the next job, if there is one.
    func takeJob() -> Job? {
        state.withLock { state in
            guard jobs.take() else { return nil }
            let job = state.take()
            if state.count > 0 { jobs.post() }
            return job
        }
    }

    /// Says that a thread ends; the last one answers what is left.
    func threadEnded() {
        let (jobs, closers) = state.withLock { state -> ([Job], [CheckedContinuation<Void, Never>]) in
            state.threads -= 1
            guard state.threads == 0 else { return ([], []) }
            defer { (state.waiting, state.first, state.closers) = ([], 0, []) }
            return (Array(state.waiting[state.first...]), state.closers)
        }
        for job in jobs { job.asker.resume(returning: .failure(.closed)) }
        for closer in closers { closer.resume() }
    }

    // MARK: Private

    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }

    /// Starts a thread that nobody joins: ``threadEnded()`` says when it is done.
    private static func startThread(_ run: @escaping @Sendable () -> Void) -> Bool {
        let body = Unmanaged.passRetained(Body(run: run))
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, body.toOpaque())
        guard result == 0 else {
            body.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    private static func noResources(_ what: String) -> NodeError {
        NodeError(.userDatabaseUnusable, "the system has no more \(what) for the user database; raise its limits")
    }
}
