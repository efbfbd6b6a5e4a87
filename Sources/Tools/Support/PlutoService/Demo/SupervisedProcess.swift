// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
package import NodeSupport
internal import Synchronization

/// A process that this one started: its standard output comes here line by line, its standard error joins this
/// process's, and the end of its standard input tells it that this process has ended, however that happened.
final class SupervisedProcess: Sendable {
    /// How a process ended.
    enum Ending: Hashable, Sendable, CustomStringConvertible {
        case exited(Int32)
        case signalled(Int32)

        var description: String {
            switch self {
            case .exited(let status): "exit status \(status)"
            case .signalled(let signal): "signal \(signal)"
            }
        }
    }

    /// The most bytes of a line; the rest of a longer one is dropped.
    static let maximumLineBytes = 64 << 10

    let pid: pid_t
    /// Where the process writes what we read.
    private let output: Int32
    /// What we hold so that the process's standard input does not end.
    private let lifeline: Mutex<Int32>
    /// Whether the process was waited for: from then on its number may be another's.
    private let isReaped = Mutex(false)

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - executable: Its path.
    ///   - arguments: Its arguments, without its name.
    /// - Throws: ``NodeError`` with `processUnstartable`.
    init(executable: String, arguments: [String]) throws(NodeError) {
        let (ours, theirs) = try Self.sockets()
        let (life, itsLife) = try Self.sockets()
        defer {
            close(theirs)
            close(itsLife)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, itsLife, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, theirs, STDOUT_FILENO)
        // A service's threads block signals and ignore some; a child must inherit neither.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var child: pid_t = 0
        let words = ([executable] + arguments).map { strdup($0) }
        defer { words.forEach { free($0) } }
        let status = (words + [nil]).withUnsafeBufferPointer { argv in
            guard let base = argv.baseAddress else { return EINVAL }
            return posix_spawn(&child, executable, &actions, &attributes, base, environ)
        }
        guard status == 0 else {
            close(ours)
            close(life)
            throw NodeError.system(
                .processUnstartable, "cannot start \(executable)", errno: status, remedy: "is the program still there?")
        }
        pid = child
        output = ours
        lifeline = Mutex(life)
    }

    deinit {
        close(output)
        lifeline.withLock { if $0 >= 0 { close($0) } }
    }

    /// Reads lines to the end of the output, then waits for the end of the process; blocks its thread until then.
    ///
    /// Called once.
    ///
    /// - Parameter line: Takes each line, without its end.
    /// - Returns: How the process ended.
    func follow(_ line: (String) -> Void) -> Ending {
        var gathered: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = read(output, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            for byte in chunk[..<count] {
                if byte == 0x0A {
                    line(String(decoding: gathered, as: UTF8.self))
                    gathered.removeAll(keepingCapacity: true)
                } else if gathered.count < Self.maximumLineBytes {
                    gathered.append(byte)
                }
            }
        }
        return waitForEnd()
    }

    /// Sends a signal, unless the process has ended.
    func signal(_ number: Int32) {
        isReaped.withLock { if !$0 { kill(pid, number) } }
    }

    /// Ends the process's standard input, which asks it to stop.
    func release() {
        lifeline.withLock { descriptor in
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
        }
    }

    private func waitForEnd() -> Ending {
        var information = siginfo_t()
        // Its number stays its own until it is reaped, which happens under the lock.
        while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
        return isReaped.withLock { isReaped in
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
            isReaped = true
            return status & 0x7F == 0 ? .exited((status >> 8) & 0xFF) : .signalled(status & 0x7F)
        }
    }

    /// Unlike a pipe's, these ends are never open in other children, not even for a moment.
    private static func sockets() throws(NodeError) -> (ours: Int32, theirs: Int32) {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw NodeError.system(
                .processUnstartable, "cannot make a pair of sockets", errno: errno, remedy: "raise the limit of files")
        }
        return (ends[0], ends[1])
    }
}

extension NodeError.Code {
    /// A process cannot be started, or ended before it was ready.
    package static let processUnstartable = NodeError.Code("processUnstartable")
}
