// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import AsyncHTTPClient
import Glibc
import LiveTestSupport
import Logging
import MirrorConfig
import MirrorWire
import NIOCore
import NIOHTTP1
import Synchronization
import SyncJobs
import Testing

@testable import MirrorWorker

/// A worker in a temporary directory, with what tests need around it.
struct WorkerFixture {
    let directory: TemporaryDirectory
    var settings: WorkerSettings
    var limits = WorkerLimits()

    /// A worker with the given managers, which listens on a free port.
    init(managers: [String] = [], concurrent: Int = 10) throws {
        directory = try TemporaryDirectory("mirror-worker")
        settings = WorkerSettings(
            name: "w1", stateDirectory: directory.file("state"), server: ListenSettings(host: "127.0.0.1", port: 0),
            managers: managers.map { ManagerAddress(baseURL: $0) })
        settings.concurrent = concurrent
        settings.allowsLegacy = true
        limits.firstRetry = .milliseconds(20)
        limits.longestRetry = .milliseconds(200)
        // Who waits for a manager waits until it answers, however busy the machine is.
        limits.historyPatience = .seconds(60)
        limits.requestTimeout = .seconds(60)
    }

    /// Adds a mirror that runs a command every two hours.
    mutating func add(
        _ name: String, _ command: String, minutes: Int64 = 120, upstream: String = "https://u/?a=1&b=<2>",
        change: (inout MirrorSettings) -> Void = { _ in }
    ) throws {
        let jobName = try #require(JobName(name))
        var mirror = MirrorSettings(
            name: jobName, provider: .command, upstream: upstream, directory: directory.file("data/\(name)"),
            logDirectory: directory.file("log/\(name)"),
            job: JobSpec(
                name: jobName, timing: JobTiming(trigger: .interval(milliseconds: minutes * 60_000)),
                retry: RetryPolicy(attempts: 1)), command: command)
        change(&mirror)
        settings.mirrors.append(mirror)
    }

    /// Prepares the worker.
    func worker(carrier: (any RunCarrier)? = nil) async throws -> MirrorWorker {
        try await MirrorWorker(
            configuration: WorkerConfiguration(settings: settings), logger: quietLogger, limits: limits,
            carrier: carrier, handlesSignals: false)
    }

    /// Runs the worker while a test does something, then stops it.
    func running<Result: Sendable>(
        carrier: (any RunCarrier)? = nil, _ body: @Sendable (MirrorWorker, Int) async throws -> Result
    ) async throws -> Result {
        let worker = try await worker(carrier: carrier)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            let result = try await body(worker, try await worker.port())
            worker.stop()
            try await group.waitForAll()
            return result
        }
    }
}

/// Logs nothing, or with KUIPER_LOG=1 everything.
let quietLogger: Logger = {
    var logger = Logger(label: "worker-test")
    logger.logLevel = getenv("KUIPER_LOG") == nil ? .critical : .debug
    return logger
}()

/// Waits until something is so.
func eventually(
    _ what: @autoclosure () -> String, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = Deadline(.seconds(180))
    while !deadline.isOver {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("never came: \(what())", sourceLocation: sourceLocation)
    throw TestTimeout()
}

struct TestTimeout: Error {}

/// Sends a request and gives back status and body.
func request(
    _ method: String, _ url: String, body: String? = nil, token: String? = nil
) async throws -> (status: Int, body: String) {
    var request = HTTPClientRequest(url: url)
    request.method = .init(rawValue: method)
    if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
    if let body { request.body = .bytes(ByteBuffer(string: body)) }
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(180))
    let bytes = try await response.body.collect(upTo: 64 << 20)
    return (Int(response.status.code), String(buffer: bytes))
}
