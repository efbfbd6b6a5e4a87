// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Dispatch
internal import Glibc
internal import NodeSupport
internal import Synchronization

/// A process of the demo: started again when it ends by itself, ended by the end of its standard input.
///
/// It has a process group of its own, so that Ctrl-C at the terminal reaches the demo alone, which stops its processes in order. When the demo is killed,
/// their standard inputs end too.
final class DemoProcess: Sendable {
    private struct State {
        var pid: pid_t = 0
        var lifeline: Int32 = -1
        var isStopping = false
    }

    /// What people call it.
    let name: String
    private let arguments: [String]
    private let log: String
    private let state = Mutex(State())

    /// Describes a process.
    ///
    /// - Parameters:
    ///   - name: what people call it.
    ///   - arguments: its program's path and its arguments.
    ///   - log: the file that takes what it prints.
    init(name: String, arguments: [String], log: String) {
        self.name = name
        self.arguments = arguments
        self.log = log
    }

    /// The process; 0 when none runs.
    var pid: pid_t { state.withLock(\.pid) }

    /// Starts it, and again whenever it ends, until ``stop()`` or cancellation.
    ///
    /// - Parameter report: told when it ended by itself.
    /// - Throws: ``NodeError`` when it cannot be started.
    func keepRunning(_ report: @Sendable (String) -> Void) async throws {
        try await withTaskCancellationHandler {
            while let pid = try start() {
                let status = await Self.end(of: pid)
                let isOver = state.withLock { state in
                    state.pid = 0
                    if state.lifeline >= 0 { close(state.lifeline) }
                    state.lifeline = -1
                    return state.isStopping
                }
                if isOver { return }
                report("\(name) ended (\(Self.describe(status))); its log is \(log). It is started again.\n")
                // Cancellation ends the pause and then the loop.
                try? await Task.sleep(for: .seconds(1))
            }
        } onCancel: {
            stop()
        }
    }

    /// Lets it end.
    func stop() {
        state.withLock { state in
            state.isStopping = true
            if state.lifeline >= 0 { close(state.lifeline) }
            state.lifeline = -1
        }
    }

    private func start() throws(NodeError) -> pid_t? {
        var ends: [Int32] = [-1, -1]
        // Unlike a pipe's, these ends are never open in other children, not even for a moment.
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw NodeError.system(
                .directoryUnusable, "cannot make a pair of sockets", errno: errno, remedy: "raise the limit of files")
        }
        defer { close(ends[1]) }
        var pid: pid_t = 0
        let (lifeline, input) = (ends[0], ends[1])
        let status: Int32? = state.withLock { state in
            guard !state.isStopping else { return nil }
            let status = spawn(&pid, input: input)
            if status == 0 {
                state.pid = pid
                state.lifeline = lifeline
            }
            return status
        }
        guard let status else {
            close(lifeline)
            return nil
        }
        guard status == 0 else {
            close(lifeline)
            throw NodeError.system(
                .directoryUnusable, "cannot start \(arguments[0])", errno: status, remedy: "is it installed?")
        }
        return pid
    }

    private func spawn(_ pid: inout pid_t, input: Int32) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        // A service's threads block signals and ignore some; a child must inherit neither.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
        let words = arguments.map { strdup($0) }
        defer { words.forEach { free($0) } }
        return (words + [nil]).withUnsafeBufferPointer { argv in
            guard let base = argv.baseAddress else { return EINVAL }
            return posix_spawnp(&pid, arguments[0], &actions, &attributes, base, environ)
        }
    }

    /// Waits on a thread of its own, which is what waiting for a process takes.
    private static func end(of pid: pid_t) async -> Int32 {
        await withCheckedContinuation { continuation in
            DispatchQueue(label: "kuiper.demo.\(pid)").async {
                var status: Int32 = 0
                while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
                continuation.resume(returning: status)
            }
        }
    }

    private static func describe(_ status: Int32) -> String {
        status & 0x7F == 0 ? "exit status \((status >> 8) & 0xFF)" : "signal \(status & 0x7F)"
    }
}
