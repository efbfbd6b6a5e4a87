// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Foundation
internal import Synchronization

/// A process that the program starts and that ends with it, by its own number.
public final class BenchChild: Sendable {
    /// How a process ended.
    public enum Ending: Equatable, Sendable {
        /// By itself, with a code.
        case exited(Int32)
        /// By a signal.
        case signalled(Int32)
    }

    /// The process.
    public let pid: Int32
    /// How long a process may take to end after SIGTERM before it is killed.
    public static let patience = Duration.seconds(5)

    private let name: String
    private let input: Int32
    private let output: Int32
    private let buffered = Mutex<[UInt8]>([])
    private let life: Life
    private let cleanup: Cleanup
    private let ticket: Cleanup.Ticket

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - arguments: the program, found on PATH if it has no slash, and its arguments.
    ///   - environment: what to add to this program's own environment.
    ///   - cleanup: what ends the process when this program is interrupted.
    ///   - errors: the file that takes its standard error; nil shares this program's.
    ///   - withDescendants: whether it leads a group of processes that ends with it: what it has started ends too.
    /// - Throws: ``BenchFailure`` with exit code 69 when it cannot be started.
    public init(
        _ arguments: [String], environment: [String: String] = [:], cleanup: Cleanup, errors: String? = nil,
        withDescendants: Bool = false
    ) throws {
        name = arguments.first ?? ""
        self.cleanup = cleanup
        // Unlike a pipe's, a socket pair's ends are never open in other children.
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        var inputs: [Int32] = [0, 0]
        var outputs: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, kind, 0, &inputs) == 0 else { throw BenchFailure.system("socketpair") }
        guard socketpair(AF_UNIX, kind, 0, &outputs) == 0 else {
            for end in inputs { close(end) }
            throw BenchFailure.system("socketpair")
        }
        defer {
            close(inputs[0])
            close(outputs[1])
        }
        do {
            (life, ticket) = try cleanup.add(
                making: {
                    Life(
                        pid: try Self.spawn(
                            arguments, environment, input: inputs[0], output: outputs[1], errors: errors,
                            inGroup: withDescendants), isGroup: withDescendants)
                }, undo: { $0.end() })
        } catch {
            close(inputs[1])
            close(outputs[0])
            throw error
        }
        pid = life.pid
        (input, output) = (inputs[1], outputs[0])
    }

    deinit {
        stop()
        close(input)
        close(output)
    }

    /// Writes to its standard input.
    ///
    /// - Parameter bytes: what to write.
    /// - Throws: ``BenchFailure`` when it does not read any more.
    public func write(_ bytes: [UInt8]) throws {
        var start = 0
        while start < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(input, $0.baseAddress.map { $0 + start }, $0.count - start)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw BenchFailure.system("write to \(name)") }
            start += count
        }
    }

    /// Ends its standard input.
    public func closeInput() { shutdown(input, Int32(SHUT_WR)) }

    /// The next line of its standard output without its end; nil when there is no more.
    ///
    /// - Returns: the line. It waits for one as long as the process lives.
    /// - Throws: ``BenchFailure`` when it cannot be read.
    public func readLine() throws -> String? {
        try buffered.withLock { bytes in
            var scanned = 0
            while true {
                if let end = bytes[scanned...].firstIndex(of: 0x0A) {
                    defer { bytes.removeSubrange(...end) }
                    return String(decoding: bytes[..<end], as: UTF8.self)
                }
                scanned = bytes.count
                guard try fill(&bytes) else {
                    defer { bytes = [] }
                    return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
                }
            }
        }
    }

    /// All that is left of its standard output.
    ///
    /// - Returns: the text, when the process has closed it.
    /// - Throws: ``BenchFailure`` when it cannot be read.
    public func readToEnd() throws -> String {
        try buffered.withLock { bytes in
            while try fill(&bytes) {}
            defer { bytes = [] }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// Sends a signal, unless the process has ended.
    ///
    /// - Parameter number: the signal.
    public func signal(_ number: Int32) { life.signal(number) }

    /// Waits until it has ended by itself.
    ///
    /// - Returns: how it ended.
    @discardableResult
    public func wait() -> Ending { life.wait() }

    /// Ends it: SIGTERM, and SIGKILL when it does not heed that within ``patience``.
    public func stop() { cleanup.undo(ticket) }

    /// Runs a program to its end.
    ///
    /// - Parameters:
    ///   - arguments: the program, found on PATH if it has no slash, and its arguments.
    ///   - environment: what to add to this program's own environment.
    ///   - cleanup: what ends the process when this program is interrupted.
    ///   - errors: the file that takes its standard error; nil shares this program's.
    ///   - withDescendants: whether what it has started ends with it when this program is interrupted.
    /// - Returns: how it ended, and what it wrote to its standard output.
    /// - Throws: ``BenchFailure`` when it cannot be started or read.
    public static func run(
        _ arguments: [String], environment: [String: String] = [:], cleanup: Cleanup, errors: String? = nil,
        withDescendants: Bool = false
    ) throws -> (ending: Ending, output: String) {
        let child = try BenchChild(
            arguments, environment: environment, cleanup: cleanup, errors: errors, withDescendants: withDescendants)
        let output = try child.readToEnd()
        return (child.wait(), output)
    }

    private func fill(_ bytes: inout [UInt8]) throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        var count = read(output, &chunk, chunk.count)
        while count < 0 && errno == EINTR { count = read(output, &chunk, chunk.count) }
        guard count >= 0 else { throw BenchFailure.system("read from \(name)") }
        bytes += chunk[..<count]
        return count > 0
    }

    private static func spawn(
        _ arguments: [String], _ environment: [String: String], input: Int32, output: Int32, errors: String?,
        inGroup: Bool
    ) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        if let errors { posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o644) }
        // The child heeds signals as any program does, whatever this one ignores.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        // A group of its own has the leader's number.
        posix_spawnattr_setpgroup(&attributes, 0)
        let group = inGroup ? POSIX_SPAWN_SETPGROUP : 0
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group))
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0.key)=\($0.value)" }
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var values: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
        defer { for word in words + values { free(word) } }
        var pid: pid_t = 0
        let status = posix_spawnp(&pid, arguments.first ?? "", &actions, &attributes, &words, &values)
        guard status == 0 else {
            throw BenchFailure(
                "\(arguments.first ?? "") cannot be started: \(String(cString: strerror(status)))", exitCode: 69)
        }
        return pid
    }
}

/// The life of one process, which is reaped once: its number is never used after that.
private final class Life: Sendable {
    let pid: Int32
    private let isGroup: Bool
    private let ending = Mutex<BenchChild.Ending?>(nil)

    init(pid: Int32, isGroup: Bool) { (self.pid, self.isGroup) = (pid, isGroup) }

    func signal(_ number: Int32) {
        // As long as the leader is not reaped, nobody else gets its number, nor its group's.
        ending.withLock { if $0 == nil { _ = kill(isGroup ? -pid : pid, number) } }
    }

    /// Waits without reaping, so that another thread may still send signals; then reaps.
    func wait() -> BenchChild.Ending {
        var info = siginfo_t()
        if ending.withLock({ $0 == nil }) {
            while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR {}
        }
        return reap(0) ?? .exited(-1)
    }

    func end() {
        signal(SIGTERM)
        let deadline = ContinuousClock.now + BenchChild.patience
        while reap(WNOHANG) == nil {
            if ContinuousClock.now > deadline {
                signal(SIGKILL)
                _ = wait()
                return
            }
            poll(nil, 0, 1)
        }
    }

    private func reap(_ options: Int32) -> BenchChild.Ending? {
        ending.withLock { ending in
            if ending != nil { return ending }
            var status: Int32 = 0
            var result = waitpid(pid, &status, options)
            while result < 0 && errno == EINTR { result = waitpid(pid, &status, options) }
            if result == pid { ending = status & 0x7f == 0 ? .exited((status >> 8) & 0xff) : .signalled(status & 0x7f) }
            return ending
        }
    }
}
