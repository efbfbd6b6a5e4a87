// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Glibc

/// A manager with 10,000 mirrors of 20 workers, asked as tunasync's peers ask.
///
/// The references are the same exchange without the work: `/ping` for `/jobs`, and `/ping` with one `fdatasync` of as many bytes for a status, which is
/// durable when it is answered.
enum ManagerRows {
    static let name = "mirror.manager"

    private static let workers = 20
    private static let mirrorsPerWorker = 500
    private static let posts = 500
    /// The targets: milliseconds for `/jobs`, milliseconds for a status, MiB of memory.
    private static let (targetList, targetPost, targetMemory) = (50.0, 2.0, 150.0)

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        let folder = try context.temporaryFolder("mirror")
        let manager = try MirrorProcess.manager(context, in: folder)
        defer { manager.child.stop() }
        let connection = try HTTPConnection(port: manager.port)
        try register(connection)
        let mirrors = workers * mirrorsPerWorker

        var (plain, packed, post) = (
            Comparison(subject: [], reference: []), Comparison(subject: [], reference: []),
            Comparison(subject: [], reference: [])
        )
        let sync = try SyncFile(folder.file("sync"))
        var sizes = (plain: 0, packed: 0)
        var number = 0
        for round in 0...context.rounds {
            // A status changes a row each time: an answer that is kept whole would be no answer to the question.
            try update(connection, number, "syncing")
            let list = try time { sizes.plain = try connection.get("GET", "/jobs").count }
            try update(connection, number, "success")
            let small = try time {
                sizes.packed = try connection.get("GET", "/jobs", headers: ["Accept-Encoding: gzip"]).count
            }
            let ping = try median(posts) { try connection.get("GET", "/ping") }
            let status = try median(posts) {
                number = (number + 7_919) % mirrors
                try update(connection, number, round % 2 == 0 ? "syncing" : "success")
            }
            let durable = try median(posts) {
                try connection.get("GET", "/ping")
                try sync.write(bytes: 300)
            }
            if round == 0 { continue }
            plain.add(list, ping)
            packed.add(small, ping)
            post.add(status, durable)
        }
        let count = "\(mirrors) mirrors"
        return [
            ResultRow(
                name, "/jobs, \(count)", plain, .wall, reference: "/ping", unit: "ms", note: "\(sizes.plain) bytes"
            ) { $0 / 1e6 }.target(.figure, .atMost, targetList),
            ResultRow(
                name, "/jobs with gzip, \(count)", packed, .wall, reference: "/ping", unit: "ms",
                note: "\(sizes.packed) bytes"
            ) { $0 / 1e6 }.target(.figure, .atMost, targetList),
            ResultRow(
                name, "a status, median of \(posts), \(count)", post, .wall, reference: "/ping and fdatasync",
                unit: "ms"
            ) { $0 / 1e6 }.target(.figure, .atMost, targetPost),
            ResultRow.counted(
                name, "resident memory, \(count)", try manager.residentBytes() / 1_048_576, "MiB"
            ).target(.figure, .atMost, targetMemory),
        ]
    }

    private static func register(_ connection: HTTPConnection) throws {
        for worker in 0..<workers {
            try connection.get(
                "POST", "/workers",
                body:
                    #"{"id":"w\#(worker)","url":"http://127.0.0.1:9/","token":"","last_online":"0001-01-01T00:00:00Z","last_register":"0001-01-01T00:00:00Z"}"#
            )
        }
        for number in 0..<(workers * mirrorsPerWorker) { try update(connection, number, "success") }
    }

    private static func update(_ connection: HTTPConnection, _ number: Int, _ status: String) throws {
        let (worker, mirror) = ("w\(number / mirrorsPerWorker)", "mirror-\(number)")
        let never = "0001-01-01T00:00:00Z"
        try connection.get(
            "POST", "/workers/\(worker)/jobs/\(mirror)",
            body:
                #"{"name":"\#(mirror)","worker":"\#(worker)","is_master":true,"status":"\#(status)","last_update":"\#(never)","last_started":"\#(never)","last_ended":"\#(never)","next_schedule":"\#(never)","upstream":"rsync://upstream.example.org/\#(mirror)/","size":"12.5G","error_msg":""}"#
        )
    }

    private static func time(_ work: () throws -> Void) rethrows -> Cost { try Stopwatch.measureProcess(work) }

    /// The median of so many: a mean says what the slowest did.
    private static func median(_ count: Int, _ work: () throws -> Void) throws -> Cost {
        var series = Series()
        for _ in 0..<count { series.add(try time(work).wall) }
        guard let median = series.median else { throw BenchFailure("nothing was measured") }
        return Cost(wall: median, cpu: median)
    }

    /// A file that each write makes durable.
    private final class SyncFile {
        private let descriptor: Int32

        init(_ path: String) throws {
            descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw BenchFailure.system("open \(path)") }
        }

        deinit { close(descriptor) }

        func write(bytes: Int) throws {
            let data = [UInt8](repeating: 0x61, count: bytes)
            guard Glibc.write(descriptor, data, bytes) == bytes, fdatasync(descriptor) == 0 else {
                throw BenchFailure.system("fdatasync")
            }
        }
    }
}
