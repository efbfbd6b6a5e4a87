// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

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
    private let process: Mutex<Process>
    private let pid: Int32
    private let peak = Mutex(Peak())

    /// Starts the process and returns when it listens; the wait keeps no thread from the writer.
    static func start(directory: String, store: String, peerPort: Int) async throws -> Receiver {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result { try Receiver(directory: directory, store: store, peerPort: peerPort) })
            }
        }
    }

    private init(directory: String, store: String, peerPort: Int) throws {
        let process = Process()
        // Elsewhere it would have processors of its own: here it gets what the writer leaves.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
        process.arguments = ["nice", "-n", "19", own, "receiver", directory, store, "\(peerPort)"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        var text = ""
        while !text.hasSuffix("\n") {
            let data = pipe.fileHandleForReading.availableData
            if data.isEmpty { throw BenchError("the receiver did not start") }
            text += String(decoding: data, as: UTF8.self)
        }
        guard let port = Int(text.dropLast()) else { throw BenchError("the receiver said \(text)") }
        self.port = port
        pid = process.processIdentifier
        self.process = Mutex(process)
    }

    /// Ends it at once, as a power cut would.
    func kill() {
        process.withLock { process in
            Foundation.kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }

    /// Looks at its memory until it is cancelled.
    func watch() async throws {
        while true {
            try await Task.sleep(for: .milliseconds(20))
            note()
        }
    }

    private func note() {
        let (anonymous, resident) = (Self.field("RssAnon", of: pid), Self.field("VmHWM", of: pid))
        let spent = Self.processorSeconds(of: pid)
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
