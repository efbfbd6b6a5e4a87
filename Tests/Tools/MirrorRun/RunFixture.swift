// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import LiveTestSupport
import Logging
import MirrorConfig
import SyncJobs
import Testing

@testable import MirrorRun

/// A supervisor with a folder of its own.
struct RunFixture {
    let folder: TemporaryDirectory
    let supervisor: RunSupervisor

    init(environment: [String: String] = [:], _ change: (inout RunSupervisorSettings) -> Void = { _ in }) throws {
        folder = try TemporaryDirectory("run")
        supervisor = try Self.supervisor(folder.file("state"), environment: environment, change)
    }

    static func supervisor(
        _ state: String, environment: [String: String] = [:], _ change: (inout RunSupervisorSettings) -> Void = { _ in }
    ) throws -> RunSupervisor {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        var settings = RunSupervisorSettings(stateDirectory: state, logger: logger)
        settings.environment.merge(environment) { $1 }
        change(&settings)
        return try RunSupervisor(settings)
    }

    /// A mirror that runs a command; folders are made by the run.
    func mirror(_ command: String, name: String = "mirror") throws -> MirrorSettings {
        MirrorSettings(
            name: try #require(JobName(name)), provider: .command, upstream: "https://upstream.example/\(name)/",
            directory: folder.file("mirrors/\(name)"), logDirectory: folder.file("logs/\(name)"), command: command)
    }

    /// A mirror that runs rsync.
    func rsync(_ upstream: String, name: String = "mirror") throws -> MirrorSettings {
        var mirror = try mirror("", name: name)
        mirror.provider = .rsync
        mirror.upstream = upstream
        return mirror
    }

    /// Carries out a run with one attempt as a worker does, up to its end.
    ///
    /// - Returns: how the first step ended that did not succeed, or else the last.
    @discardableResult
    func run(_ mirror: MirrorSettings, number: UInt64 = 1, finishes: Bool = true) async -> StepResult {
        let run = RunNumber(number)
        defer { if finishes { supervisor.finish(mirror.name, run: run) } }
        for step in [JobStep.beforeJob, .beforeAttempt(1)] {
            let result = await supervisor.perform(step, of: mirror, run: run)
            guard case .done = result else { return result }
        }
        var result = await supervisor.perform(.execute(attempt: 1), of: mirror, run: run)
        let after = await supervisor.perform(.afterAttempt(1), of: mirror, run: run)
        guard case .done = after else { return after }
        if case .done = result { result = await supervisor.perform(.publish(attempt: 1), of: mirror, run: run) }
        if case .done = result {
            return await supervisor.perform(.afterSuccess(attempt: 1), of: mirror, run: run)
        }
        if case .failed = result {
            let last = await supervisor.perform(.afterFailure(attempt: 1), of: mirror, run: run)
            guard case .done = last else { return last }
        }
        return result
    }

    /// What the newest log of a mirror holds.
    func log(_ mirror: MirrorSettings) throws -> String {
        try text(mirror.logDirectory + "/latest")
    }

    func text(_ path: String) throws -> String { String(decoding: try Files.read(path), as: UTF8.self) }
}

/// Waits until something holds, for a minute at most.
func wait(_ what: String, until condition: () throws -> Bool) async throws {
    let deadline = Deadline(.seconds(180))
    while try !condition() {
        if deadline.isOver { throw LiveFailure("waited in vain: \(what)") }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// Whether a process is there and has not ended.
func isAlive(_ pid: pid_t) -> Bool { ProcessTable.entry(pid).map { !$0.isOver } ?? false }

/// The process whose id a program has written to a file.
func pid(in path: String) async throws -> pid_t {
    var found: pid_t?
    try await wait("a process id in \(path)") {
        guard let bytes = try? Files.read(path), bytes.last == UInt8(ascii: "\n") else { return false }
        found = pid_t(String(decoding: bytes.dropLast(), as: UTF8.self))
        return found != nil
    }
    return try #require(found)
}
