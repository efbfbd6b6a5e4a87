// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// The time until which something on one of the database's threads may take.
struct DatabaseDeadline: Comparable {
    let instant: ContinuousClock.Instant

    init(_ instant: ContinuousClock.Instant) { self.instant = instant }

    init(milliseconds: Int) { instant = .now + .milliseconds(milliseconds) }

    var isOver: Bool { ContinuousClock.now >= instant }

    static func < (left: DatabaseDeadline, right: DatabaseDeadline) -> Bool { left.instant < right.instant }

    /// What is left, as poll(2) wants it: rounded up, so that a wait does not end early and spin.
    var pollMilliseconds: Int32 {
        let left = (instant - .now).components
        guard left.seconds >= 0, left.attoseconds >= 0 else { return 0 }
        let whole = min(left.seconds, 86_400) * 1_000
        return Int32(whole + (left.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}

/// Waiting on descriptors, on a thread that may block.
enum Descriptors {
    /// What a wait ended with.
    enum Event { case ready, stopped, timedOut }

    /// Waits until a descriptor is ready, the stop descriptor is readable, or the time is over.
    ///
    /// - Parameters:
    ///   - descriptor: What to wait for; negative to wait for the other two only.
    ///   - events: As poll(2) names them.
    ///   - stop: Readable from the moment when all must end.
    ///   - deadline: When to give up; never when `nil`.
    /// - Returns: What came first.
    static func wait(
        for descriptor: Int32, _ events: Int32, orStop stop: Int32, until deadline: DatabaseDeadline?
    ) -> Event {
        var entries = [
            pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
            pollfd(fd: descriptor, events: Int16(truncatingIfNeeded: events), revents: 0),
        ]
        while true {
            let count = poll(&entries, 2, deadline?.pollMilliseconds ?? -1)
            if entries[0].revents != 0 { return .stopped }
            if count > 0 { return .ready }
            // An interruption, or a wait that ended a little early: look at the clock again.
            if count == 0, deadline?.isOver == true { return .timedOut }
            if count < 0, errno != EINTR { return .stopped }
        }
    }

    /// What an idle thread was woken by.
    enum Wake { case job, socket, stopped }

    /// Waits for a job or for something on an idle connection.
    ///
    /// - Parameters:
    ///   - jobs: Readable when there is a job.
    ///   - socket: The idle connection's; negative when there is none.
    ///   - stop: Readable from the moment when all must end.
    /// - Returns: What came first.
    static func wait(for jobs: Int32, or socket: Int32, orStop stop: Int32) -> Wake {
        var entries = [stop, jobs, socket].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while true {
            let count = poll(&entries, nfds_t(entries.count), -1)
            if count < 0, errno != EINTR { return .stopped }
            if entries[0].revents != 0 { return .stopped }
            // The connection first: a job must not be given to one that has ended.
            if entries[2].revents != 0 { return .socket }
            if entries[1].revents != 0 { return .job }
        }
    }
}

/// A pair of sockets whose one byte is a token: whoever waits with poll(2) and takes it has something to do.
final class TokenPipe: Sendable {
    /// Readable while the token is there.
    let reader: Int32
    private let writer: Int32

    /// Makes a pair; `nil` when there are no descriptors to be had.
    init?() {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { return nil }
        (reader, writer) = (ends[0], ends[1])
    }

    deinit {
        close(reader)
        close(writer)
    }

    /// Puts the token there; the caller sees to it that there is one only.
    func post() {
        var byte: UInt8 = 1
        while write(writer, &byte, 1) < 0 && errno == EINTR {}
    }

    /// Takes the token, if it is there.
    func take() -> Bool {
        var byte: UInt8 = 0
        while true {
            let count = read(reader, &byte, 1)
            if count >= 0 || errno != EINTR { return count == 1 }
        }
    }
}
