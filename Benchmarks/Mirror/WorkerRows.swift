// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Foundation

/// A worker that comes up with 500 due jobs and 50 slots, and is told to end while 50 run.
enum WorkerRows {
    static let name = "mirror.worker"

    private static let (jobs, slots) = (500, 50)
    /// The targets in seconds.
    private static let (targetStart, targetStop) = (1.0, 5.0)

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        var (starts, stops) = (Series(), Series())
        var left = 0
        for round in 0...context.rounds {
            let (start, stop, unreported) = try once(context)
            if round == 0 { continue }
            starts.add(start)
            stops.add(stop)
            left += unreported
        }
        return [
            ResultRow(name, "from the worker's first answer to \(slots) jobs running", starts, "s")
                .target(.figure, .atMost, targetStart),
            ResultRow(name, "from SIGTERM to the end of the worker", stops, "s").target(.figure, .atMost, targetStop),
            ResultRow.counted(name, "jobs that the manager still shows as running", Double(left), "jobs")
                .target(.figure, .atMost, 0),
        ]
    }

    private static func once(_ context: BenchContext) throws -> (start: Double, stop: Double, unreported: Int) {
        let folder = try context.temporaryFolder("mirror")
        let manager = try MirrorProcess.manager(context, in: folder)
        defer { manager.child.stop() }
        var mirrors = ""
        for number in 0..<jobs {
            mirrors += """
                [[mirrors]]
                name = "job-\(number)"
                provider = "command"
                upstream = "https://upstream.example.org/"
                command = "sleep 600"

                """
        }
        let connection = try HTTPConnection(port: manager.port)
        let worker = try MirrorProcess.worker(context, in: folder, mirrors: mirrors, slots: slots, manager: manager)
        try wait(for: "a worker that registers") { try connection.get("GET", "/workers").count > 10 }
        let began = ContinuousClock.now
        try wait(for: "\(slots) running jobs") { try running(connection) >= slots }
        let start = ContinuousClock.now - began
        let asked = ContinuousClock.now
        worker.child.signal(SIGTERM)
        worker.child.wait()
        let stop = ContinuousClock.now - asked
        return (start / .seconds(1), stop / .seconds(1), try running(connection))
    }

    private static func running(_ connection: HTTPConnection) throws -> Int {
        let text = String(decoding: try connection.get("GET", "/jobs"), as: UTF8.self)
        return text.components(separatedBy: #""status":"syncing""#).count - 1
    }

    private static func wait(for what: String, _ condition: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try !condition() {
            guard ContinuousClock.now < deadline else { throw BenchFailure("waited a minute for \(what)") }
            usleep(5_000)
        }
    }
}
