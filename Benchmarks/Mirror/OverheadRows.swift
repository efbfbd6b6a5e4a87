// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Foundation

/// One mirror of an rsync daemon on loopback, again and again: by hand, and as a job from the command to the reported success.
enum OverheadRows {
    static let name = "mirror.overhead"
    static let peer = "rsync"

    private static let files = 2_000
    /// Milliseconds that a job may take longer.
    private static let target = 30.0

    static func absence() -> String? {
        FileManager.default.isExecutableFile(atPath: "/usr/bin/rsync")
            ? nil : "there is no /usr/bin/rsync (Debian: rsync)"
    }

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        if let reason = context.absence(of: peer) { return [.absent(name, "a job beside rsync by hand", reason)] }
        let folder = try context.temporaryFolder("mirror")
        let source = try daemon(context, folder)
        defer { source.child.stop() }
        let manager = try MirrorProcess.manager(context, in: folder)
        defer { manager.child.stop() }
        let upstream = "rsync://127.0.0.1:\(source.port)/sample/"
        let worker = try MirrorProcess.worker(
            context, in: folder,
            mirrors: """
                [[mirrors]]
                name = "sample"
                provider = "rsync"
                upstream = "\(upstream)"
                """, slots: 2, manager: manager)
        defer { worker.child.stop() }
        let connection = try HTTPConnection(port: manager.port)
        try finished(connection, after: 0)
        let words =
            "rsync -aHvh --no-o --no-g --stats --filter|risk .~tmp~/|--exclude .~tmp~/ --delete --delete-after --delay-updates --safe-links --timeout=120"
        var arguments: [String] = []
        for (index, part) in words.split(separator: "|").enumerated() {
            arguments += index == 1 ? [String(part)] : part.split(separator: " ").map(String.init)
        }
        arguments += [upstream, folder.file("by-hand")]
        try FileManager.default.createDirectory(atPath: folder.file("by-hand"), withIntermediateDirectories: true)
        var found = Comparison(subject: [], reference: [])
        var extra = Series()
        for round in 0...context.rounds {
            // Several of each: one run of a program varies by more than what is looked for.
            var (jobs, hands) = (Series(), Series())
            for _ in 0..<8 {
                hands.add(try byHand(arguments, context))
                jobs.add(try job(connection))
            }
            guard round > 0, let job = jobs.median, let hand = hands.median else { continue }
            found.add(Cost(wall: job, cpu: job), Cost(wall: hand, cpu: hand))
            extra.add((job - hand) / 1e6)
        }
        return [
            ResultRow(
                name, "a job, from the command to its reported success, \(files) files", found, .wall,
                reference: "the same rsync by hand", unit: "ms"
            ) { $0 / 1e6 },
            ResultRow(name, "what a job takes longer", extra, "ms").target(.figure, .atMost, target),
        ]
    }

    private static func byHand(_ arguments: [String], _ context: BenchContext) throws -> Double {
        try Stopwatch.measureProcess {
            let (ending, _) = try BenchChild.run(arguments, cleanup: context.cleanup)
            guard ending == .exited(0) else { throw BenchFailure("rsync by hand: \(ending)") }
        }.wall
    }

    private static func job(_ connection: HTTPConnection) throws -> Double {
        let before = try lastEnded(connection)
        return try Stopwatch.measureProcess {
            try connection.get(
                "POST", "/cmd",
                body: #"{"cmd":"start","mirror_id":"sample","worker_id":"bench","args":null,"options":{"force":true}}"#)
            try finished(connection, after: before)
        }.wall
    }

    /// Waits until a run has ended after another one.
    private static func finished(_ connection: HTTPConnection, after before: Int64) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let text = String(decoding: try connection.get("GET", "/jobs"), as: UTF8.self)
            if text.contains(#""status":"success""#), try lastEnded(connection) > before { return }
            guard ContinuousClock.now < deadline else { throw BenchFailure("the job does not succeed: \(text)") }
            usleep(500)
        }
    }

    /// When the last run ended, in nanoseconds of its second and second together: a number that grows.
    private static func lastEnded(_ connection: HTTPConnection) throws -> Int64 {
        let text = String(decoding: try connection.get("GET", "/workers/bench/jobs"), as: UTF8.self)
        guard let mark = text.range(of: #""last_ended":""#) else { return 0 }
        let time = text[mark.upperBound...].prefix { $0 != "\"" }
        // RFC 3339 with a fraction: the digits of time and fraction, the fraction filled up to nine.
        let parts = time.dropLast(time.hasSuffix("Z") ? 1 : 0).split(separator: ".")
        guard let first = parts.first else { return 0 }
        let fraction = parts.count > 1 ? String(parts[1].prefix(9)) : ""
        let whole = first.filter(\.isNumber).suffix(10)
        return Int64("\(whole)\(fraction)\(String(repeating: "0", count: 9 - fraction.count))") ?? 0
    }

    private static func daemon(
        _ context: BenchContext, _ folder: TemporaryFolder
    ) throws -> (child: BenchChild, port: Int) {
        let port = try MirrorProcess.freePort()
        for number in 0..<files {
            let parent = folder.file("source/part-\(number % 20)")
            if number < 20 {
                try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
            }
            try Data(repeating: UInt8(number % 251), count: 1_024).write(
                to: URL(filePath: "\(parent)/file-\(number)"))
        }
        let settings = """
            use chroot = no
            [sample]
            path = \(folder.file("source"))
            read only = yes
            """
        try Data(settings.utf8).write(to: URL(filePath: folder.file("rsyncd.conf")))
        // On a standard input that is a socket rsync would speak to that instead of listening.
        let child = try BenchChild(
            [
                "sh", "-c", #"exec "$@" < /dev/null"#, "sh", "rsync", "--daemon", "--no-detach", "--address=127.0.0.1",
                "--port=\(port)", "--config=\(folder.file("rsyncd.conf"))", "--log-file=\(folder.file("rsyncd.log"))",
            ], cleanup: context.cleanup)
        let deadline = ContinuousClock.now + .seconds(30)
        // Nobody listens yet: that is what is waited for.
        while (try? HTTPConnection(port: port)) == nil {
            guard ContinuousClock.now < deadline else { throw BenchFailure("the rsync daemon does not listen") }
            usleep(10_000)
        }
        return (child, port)
    }
}
