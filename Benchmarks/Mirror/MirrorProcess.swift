// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Foundation

/// A manager or a worker as a process, with its files in a folder that goes with it.
final class MirrorProcess {
    /// The option that names the program.
    static let option = BenchOption(
        "--mirror", "PATH", "the mirror to measure (.build/release/mirror)", namesProgram: true)

    let child: BenchChild
    let port: Int

    private init(child: BenchChild, port: Int) { (self.child, self.port) = (child, port) }

    static func program(_ context: BenchContext) throws -> String {
        let path = context.options[option.name] ?? ".build/release/mirror"
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw BenchFailure("there is no \(path): swift build -c release --product mirror", exitCode: 69)
        }
        return path
    }

    /// Starts a manager on a free port, with LMDB in the folder.
    static func manager(_ context: BenchContext, in folder: TemporaryFolder) throws -> MirrorProcess {
        let port = try freePort()
        try write(
            """
            [server]
            allow_legacy = true
            addr = "127.0.0.1"
            port = \(port)
            [files]
            db_type = "lmdb"
            db_file = "\(folder.file("manager.db"))"
            """, to: folder.file("manager.conf"))
        let child = try BenchChild(
            [try program(context), "manager", "--config", folder.file("manager.conf")], cleanup: context.cleanup,
            errors: folder.file("manager.log"))
        return try MirrorProcess(child: child, port: port).ready(folder.file("manager.log"))
    }

    /// Starts a worker with such mirrors, given as `[[mirrors]]` tables; so many run at once.
    static func worker(
        _ context: BenchContext, in folder: TemporaryFolder, mirrors: String, slots: Int, manager: MirrorProcess
    ) throws -> MirrorProcess {
        let port = try freePort()
        try write(
            """
            [global]
            name = "bench"
            state_dir = "\(folder.file("state"))"
            log_dir = "\(folder.file("log"))/{{.Name}}"
            mirror_dir = "\(folder.file("data"))"
            concurrent = \(slots)
            interval = 1440
            retry = 1
            [manager]
            api_base = "http://127.0.0.1:\(manager.port)"
            [server]
            allow_legacy = true
            hostname = "127.0.0.1"
            listen_addr = "127.0.0.1"
            listen_port = \(port)
            \(mirrors)
            """, to: folder.file("worker.conf"))
        let child = try BenchChild(
            [try program(context), "worker", "--config", folder.file("worker.conf")], cleanup: context.cleanup,
            errors: folder.file("worker.log"))
        return MirrorProcess(child: child, port: port)
    }

    /// Waits until it answers.
    private func ready(_ log: String) throws -> MirrorProcess {
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            // Nobody listens yet: that is what is waited for.
            if let connection = try? HTTPConnection(port: port), (try? connection.get("GET", "/ping")) != nil {
                return self
            }
            usleep(10_000)
        }
        let text = FileManager.default.contents(atPath: log).map { String(decoding: $0.suffix(500), as: UTF8.self) }
        throw BenchFailure("mirror does not answer: \(text ?? "")")
    }

    /// The memory that it has in use, in bytes.
    func residentBytes() throws -> Double {
        guard let status = FileManager.default.contents(atPath: "/proc/\(child.pid)/status"),
            let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first(where: {
                $0.hasPrefix("VmRSS:")
            }), let kibibytes = Double(line.split(separator: " ").dropFirst().first ?? "")
        else { throw BenchFailure("the memory of process \(child.pid) cannot be read") }
        return kibibytes * 1_024
    }

    private static func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    /// A port of 127.0.0.1 that nobody listens on.
    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw BenchFailure.system("socket") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) | getsockname(descriptor, $0, &size)
            }
        }
        guard status == 0 else { throw BenchFailure.system("bind") }
        return Int(in_port_t(bigEndian: address.sin_port))
    }
}
