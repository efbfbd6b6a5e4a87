// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import Synchronization

/// A child process whose output a test reads; it is killed, by its own number, at the latest when the last reference goes.
final class ChildProcess: Sendable {
    struct Failure: Error {
        let message: String
    }

    private struct State {
        var pending: [UInt8] = []
        var isReaped = false
    }

    let pid: pid_t
    private let output: Int32
    private let input: Int32
    private let state = Mutex(State())

    /// Starts the program that the package builds next to this test.
    init(_ program: String, _ arguments: [String]) throws {
        let path = try Self.productsDirectory() + "/" + program
        var outputs: [Int32] = [0, 0]
        var inputs: [Int32] = [0, 0]
        guard Self.pipe(&outputs), Self.pipe(&inputs) else { throw Failure(message: "no pipe: errno \(errno)") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, inputs[0], 0)
        posix_spawn_file_actions_adddup2(&actions, outputs[1], 1)
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid = pid_t()
        let result = posix_spawn(&pid, path, &actions, nil, &words, environ)
        close(outputs[1])
        close(inputs[0])
        guard result == 0 else {
            close(outputs[0])
            close(inputs[1])
            throw Failure(message: "could not start \(path): errno \(result)")
        }
        self.pid = pid
        output = outputs[0]
        input = inputs[1]
    }

    deinit {
        kill()
        close(output)
        close(input)
    }

    /// The next line of the output; nothing at its end. Blocks.
    func line() -> String? {
        state.withLock { state in
            while true {
                if let end = state.pending.firstIndex(of: UInt8(ascii: "\n")) {
                    let line = String(decoding: state.pending[..<end], as: UTF8.self)
                    state.pending.removeFirst(end + 1)
                    return line
                }
                var buffer = [UInt8](repeating: 0, count: 4096)
                let count = read(output, &buffer, buffer.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return nil }
                state.pending += buffer.prefix(count)
            }
        }
    }

    /// All lines until the output's end. Blocks.
    func remainingLines() -> [String] {
        var lines: [String] = []
        while let line = line() { lines.append(line) }
        return lines
    }

    /// Ends the process at once, as `kill -9` does, and waits until it is gone.
    func kill() {
        state.withLock { state in
            guard !state.isReaped else { return }
            state.isReaped = true
            _ = Glibc.kill(pid, SIGKILL)
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        }
    }

    private static func pipe(_ ends: inout [Int32]) -> Bool {
        guard Glibc.pipe(&ends) == 0 else { return false }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return true
    }

    private static func productsDirectory() throws -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { throw Failure(message: "where is this test? errno \(errno)") }
        let path = String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard let slash = path.lastIndex(of: "/") else { throw Failure(message: "\(path) is no path") }
        return String(path[..<slash])
    }
}
