// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Foundation
internal import Synchronization

/// The receiving member in a process of its own, so that its memory is its own.
final class Receiver: Sendable {
    /// What the process used at most since it was started.
    struct Peak: Sendable {
        /// Memory that no file backs, in KiB: heap and stacks.
        var anonymousKiB = 0
        /// All resident pages, with those of the mapped engine, in KiB.
        var residentKiB = 0
        /// The processor time, in seconds.
        var processorSeconds = 0.0
    }

    let port: Int
    private let process: BenchChild
    private let peak = Mutex(Peak())

    /// Starts the process and returns when it listens; the wait keeps no thread from the writer.
    static func start(
        directory: String, store: String, peerPort: Int, cleanup: Cleanup
    ) async throws -> Receiver {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        try Receiver(directory: directory, store: store, peerPort: peerPort, cleanup: cleanup)
                    })
            }
        }
    }

    private init(directory: String, store: String, peerPort: Int, cleanup: Cleanup) throws {
        let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
        // Elsewhere it would have processors of its own: here it gets what the writer leaves.
        process = try BenchChild(
            ["nice", "-n", "19", own, Self.command, directory, store, "\(peerPort)"], cleanup: cleanup)
        guard let line = try process.readLine(), let port = Int(line) else {
            throw BenchFailure("the receiver did not start")
        }
        self.port = port
    }

    /// The first argument of the receiving process.
    static let command = "receiver"

    /// The receiving process: runs until it is killed.
    static func serve(_ arguments: [String]) async throws {
        guard arguments.count == 4, let port = Int(arguments[3]) else {
            throw BenchFailure("receiver DIRECTORY STORE PORT", exitCode: 64)
        }
        let node = try await BenchNode("b", in: arguments[1], store: arguments[2], peerPort: port)
        Console.say("\(node.port)")
        try await node.run()
    }

    /// Ends it at once, as a power cut would.
    func kill() {
        process.signal(SIGKILL)
        process.wait()
    }

    /// Looks at its memory until it is cancelled.
    func watch() async throws {
        while true {
            try await Task.sleep(for: .milliseconds(20))
            note()
        }
    }

    private func note() {
        let (anonymous, resident) = (Self.field("RssAnon", of: process.pid), Self.field("VmHWM", of: process.pid))
        let spent = Self.processorSeconds(of: process.pid)
        peak.withLock { peak in
            peak.anonymousKiB = max(peak.anonymousKiB, anonymous)
            peak.residentKiB = max(peak.residentKiB, resident)
            peak.processorSeconds = max(peak.processorSeconds, spent)
        }
    }

    /// What it used at most.
    var used: Peak {
        note()
        return peak.withLock { $0 }
    }

    /// A field of a process's status in KiB; 0 if it is gone.
    static func field(_ name: String, of pid: Int32) -> Int {
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/status") else { return 0 }
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n") where line.hasPrefix(name + ":") {
            return line.split(separator: ":").last.flatMap { Int($0.filter(\.isNumber)) } ?? 0
        }
        return 0
    }

    private static func processorSeconds(of pid: Int32) -> Double {
        var clock: clockid_t = 0
        var time = timespec()
        guard clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0 else { return 0 }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
