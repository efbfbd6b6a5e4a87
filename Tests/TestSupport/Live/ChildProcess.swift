// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import Glibc

/// A real process that a test started and that ends with the test: the servers and clients of the live tests.
///
/// It belongs to one test, which calls it from one thread at a time.
package final class ChildProcess {
    /// How a process ended.
    package enum Ending: Equatable, Sendable {
        case exited(Int32)
        case signalled(Int32)
    }

    /// The process.
    package let pid: pid_t
    private let name: String
    private let output: Int32
    private var buffered: [UInt8] = []
    private var ending: Ending?

    /// Starts a program; its standard output comes here.
    ///
    /// - Parameters:
    ///   - arguments: the program, found on PATH if it has no slash, and its arguments.
    ///   - environment: what to add to the test's environment.
    ///   - folder: the working directory; nil for the test's own.
    ///   - input: what it reads from standard input; nothing by default.
    ///   - errors: the file that takes standard error; nil joins it to standard output.
    package init(
        _ arguments: [String], environment: [String: String] = [:], folder: String? = nil, input: String = "",
        errors: String? = nil
    ) throws {
        name = arguments[0]
        var pipes: [Int32] = [0, 0]
        // Unlike a pipe's, its ends are never open in the children of other tests.
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &pipes) == 0 else { throw LiveFailure.system("socketpair") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let source: Int32
        do { source = try Self.file(holding: input) } catch {
            close(pipes[0])
            close(pipes[1])
            throw error
        }
        defer { close(source) }
        posix_spawn_file_actions_adddup2(&actions, source, 0)
        posix_spawn_file_actions_adddup2(&actions, pipes[1], 1)
        if let errors {
            posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        } else {
            posix_spawn_file_actions_adddup2(&actions, pipes[1], 2)
        }
        let command = folder.map { ["/usr/bin/env", "--chdir=\($0)"] + arguments } ?? arguments

        // The threads that run tests block signals and the runner may ignore some; a child inherits neither.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let variables = Self.environment(adding: environment)
        var child: pid_t = 0
        let status = withCStrings(command) { argv in
            withCStrings(variables) { envp in posix_spawnp(&child, command[0], &actions, &attributes, argv, envp) }
        }
        close(pipes[1])
        guard status == 0 else {
            close(pipes[0])
            throw LiveFailure("cannot start \(arguments[0]): \(String(cString: strerror(status)))")
        }
        pid = child
        output = pipes[0]
    }

    deinit {
        if ending == nil {
            kill(pid, SIGKILL)
            _ = reap()
        }
        close(output)
    }

    /// The next line of standard output, or nil at its end.
    ///
    /// - Parameter limit: how long to wait before it is an error.
    package func readLine(within limit: Duration = .seconds(60)) throws -> String? {
        let deadline = Deadline(limit)
        while true {
            if let end = buffered.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: buffered[..<end], as: UTF8.self)
                buffered.removeSubrange(...end)
                return line
            }
            guard try fill(until: deadline) else {
                defer { buffered = [] }
                return buffered.isEmpty ? nil : String(decoding: buffered, as: UTF8.self)
            }
        }
    }

    /// All that is left of standard output, to its end.
    package func readToEnd(within limit: Duration = .seconds(120)) throws -> String {
        let deadline = Deadline(limit)
        while try fill(until: deadline) {}
        defer { buffered = [] }
        return String(decoding: buffered, as: UTF8.self)
    }

    /// Sends a signal to this very process.
    package func signal(_ number: Int32) { if ending == nil { kill(pid, number) } }

    /// Waits for the end; what the process still prints is kept for ``readToEnd(within:)``.
    ///
    /// - Parameter limit: how long to wait before the process is killed and it is an error.
    @discardableResult
    package func wait(within limit: Duration = .seconds(60)) throws -> Ending {
        if let ending { return ending }
        let deadline = Deadline(limit)
        // Its end of the socket closes when it ends; one that closes its output earlier is waited for as well.
        do { while try fill(until: deadline) {} } catch { kill(pid, SIGKILL) }
        while !deadline.isOver {
            if let ending = reap(WNOHANG) { return ending }
            poll(nil, 0, 1)
        }
        kill(pid, SIGKILL)
        _ = reap()
        throw LiveFailure("\(name), process \(pid), did not end within \(limit) and was killed")
    }

    /// Runs a program to its end.
    ///
    /// - Returns: how it ended and what it printed, both streams together.
    package static func run(
        _ arguments: [String], environment: [String: String] = [:], folder: String? = nil, input: String = "",
        within limit: Duration = .seconds(120)
    ) throws -> (ending: Ending, output: String) {
        let child = try ChildProcess(arguments, environment: environment, folder: folder, input: input)
        let ending = try child.wait(within: limit)
        return (ending, try child.readToEnd())
    }

    /// Takes the status of the process; nil when it has not ended and the options say not to wait.
    private func reap(_ options: Int32 = 0) -> Ending? {
        var status: Int32 = 0
        var result = waitpid(pid, &status, options)
        while result < 0 && errno == EINTR { result = waitpid(pid, &status, options) }
        guard result == pid else { return nil }
        ending = status & 0x7f == 0 ? .exited((status >> 8) & 0xff) : .signalled(status & 0x7f)
        return ending
    }

    /// Waits for output; false at its end.
    private func fill(until deadline: Deadline) throws -> Bool {
        guard try deadline.wait(for: output, Int16(POLLIN)) else {
            throw LiveFailure("\(name), process \(pid), printed nothing and did not end in time")
        }
        return try withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { chunk in
            var count = read(output, chunk.baseAddress, chunk.count)
            while count < 0 && errno == EINTR { count = read(output, chunk.baseAddress, chunk.count) }
            guard count >= 0 else { throw LiveFailure.system("read from \(name)") }
            buffered.append(contentsOf: chunk[..<count])
            return count > 0
        }
    }

    /// A file without a name, so that a process that does not read its input does not hold the test up.
    private static func file(holding text: String) throws -> Int32 {
        guard !text.isEmpty else {
            let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw LiveFailure.system("open /dev/null") }
            return descriptor
        }
        let folder = try TemporaryDirectory("input")
        let path = try folder.write("input", text)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw LiveFailure.system("open \(path)") }
        return descriptor
    }

    private static func environment(adding more: [String: String]) -> [String] {
        var variables: [String] = []
        var cursor = environ
        while let entry = cursor.pointee {
            let text = String(cString: entry)
            if !more.keys.contains(where: { text.hasPrefix($0 + "=") }) { variables.append(text) }
            cursor += 1
        }
        return variables + more.map { "\($0.key)=\($0.value)" }
    }
}

private func withCStrings<R>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R) -> R {
    let pointers = strings.map { strdup($0) }
    defer { pointers.forEach { free($0) } }
    return body(pointers + [nil])
}
