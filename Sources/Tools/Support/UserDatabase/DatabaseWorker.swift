// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import Logging

/// What one thread of the database does: it keeps one connection, and asks on it what the queue has.
struct DatabaseWorker: ~Copyable {
    private let database: UserDatabase
    private var connection: PostgresConnection?
    private var failedAttempts = 0
    private var nextAttempt: DatabaseDeadline?
    /// Why there is no connection.
    private var lastFailure: DatabaseFailure?

    init(database: UserDatabase) {
        self.database = database
    }

    /// Works until the database is closed.
    consuming func run() {
        while waitForJob() {
            guard let job = database.takeJob() else { continue }
            let start = ContinuousClock.now
            let answer = answer(job)
            database.metrics?.answered(answer, after: .now - start)
            job.asker.resume(returning: answer)
        }
        drop(nil)
        database.threadEnded()
    }

    /// Waits until there may be a job, and notices meanwhile that the server has closed the connection.
    ///
    /// - Returns: `false` when it is time to end.
    private mutating func waitForJob() -> Bool {
        while true {
            let socket = connection?.socket ?? -1
            // The queue's descriptor is watched by poll, the socket as well: whichever is first.
            switch Descriptors.wait(for: database.jobs.reader, or: socket, orStop: database.stop.reader) {
            case .stopped: return false
            case .job: return true
            case .socket:
                if connection?.isAlive() != true { drop(.connectionLost("the server closed the connection")) }
            }
        }
    }

    private mutating func answer(_ job: UserDatabase.Job) -> UserDatabase.Answer {
        while true {
            guard !job.deadline.isOver else {
                return .failure(lastFailure ?? .timedOut("no connection to the user database was free in time"))
            }
            if connection == nil {
                if let failure = connect(before: job.deadline) { return .failure(failure) }
                continue
            }
            do throws(DatabaseFailure) {
                return .success(try ask(job))
            } catch {
                switch error {
                case .refused, .malformed, .busy: return .failure(error)
                case .connectionLost: drop(error)
                case .timedOut, .unreachable, .closed:
                    // An answer may still come: nothing else can be asked on this connection.
                    drop(error)
                    return .failure(error)
                }
            }
        }
    }

    private func ask(_ job: UserDatabase.Job) throws(DatabaseFailure) -> [PostgresConnection.Row] {
        let limit = DatabaseDeadline(milliseconds: database.configuration.limits.statementMilliseconds)
        let deadline = min(limit, job.deadline)
        switch job.question {
        case .user(let name): return try connection?.users(named: name, until: deadline) ?? []
        case .anyHash: return try connection?.anyHash(until: deadline) ?? []
        }
    }

    // MARK: Connecting

    /// Connects, after the pause that earlier failures have earned.
    ///
    /// - Returns: A failure when the question cannot be asked in time; `nil` when it is worth looking again.
    private mutating func connect(before deadline: DatabaseDeadline) -> DatabaseFailure? {
        if let pause = nextAttempt, !pause.isOver {
            if pause >= deadline, let lastFailure { return lastFailure }
            switch Descriptors.wait(for: -1, 0, orStop: database.stop.reader, until: pause) {
            case .stopped: return .closed
            case .ready, .timedOut: break
            }
        }
        let limits = database.configuration.limits
        do throws(DatabaseFailure) {
            connection = try PostgresConnection(
                database.configuration, authorities: database.authorities, stop: database.stop.reader,
                until: min(DatabaseDeadline(milliseconds: limits.connectMilliseconds), deadline))
            connected()
            return nil
        } catch {
            if error == .closed { return error }
            failed(error)
            return nil
        }
    }

    private mutating func connected() {
        (failedAttempts, nextAttempt, lastFailure) = (0, nil, nil)
        database.metrics?.connected()
        database.logger.info(
            "connected to the user database", metadata: ["encrypted": "\(connection?.isEncrypted == true)"])
    }

    private mutating func failed(_ failure: DatabaseFailure) {
        database.metrics?.failedToConnect()
        // Said once for each reason, not for each attempt.
        if failure != lastFailure {
            database.logger.error("no connection to the user database", metadata: ["reason": "\(failure.reason)"])
        }
        lastFailure = failure
        let limits = database.configuration.limits
        let doubled = limits.firstPauseMilliseconds << min(failedAttempts, 16)
        let longest = max(1, min(doubled, limits.longestPauseMilliseconds))
        failedAttempts += 1
        // Between half and all of it, so that the nodes do not come back in step.
        nextAttempt = DatabaseDeadline(milliseconds: Int.random(in: (longest + 1) / 2...longest))
    }

    private mutating func drop(_ reason: DatabaseFailure?) {
        guard connection != nil else { return }
        connection = nil
        database.metrics?.disconnected()
        if let reason {
            database.logger.warning(
                "lost a connection to the user database", metadata: ["reason": "\(reason.reason)"])
        }
    }
}
