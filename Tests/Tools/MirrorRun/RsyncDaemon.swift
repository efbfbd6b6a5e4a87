// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import LiveTestSupport

/// A real rsync daemon on loopback with one module.
final class RsyncDaemon {
    let port: UInt16
    /// What the module `tree` serves.
    let content: String
    private let process: ChildProcess
    private let folder: TemporaryDirectory

    var url: String { "rsync://127.0.0.1:\(port)/tree/" }

    init(secrets: String? = nil) throws {
        folder = try TemporaryDirectory("rsyncd")
        content = folder.file("content")
        try Files.makeDirectory(content)
        // A daemon that root starts would else read as nobody, who may not look into the tests' folders.
        var settings = """
            use chroot = no
            \(getuid() == 0 ? "uid = 0\ngid = 0" : "")
            [tree]
            path = \(content)
            read only = yes

            """
        if let secrets {
            try folder.write("secrets", secrets)
            settings += "auth users = mirror\nsecrets file = \(folder.file("secrets"))\n"
        }
        let configuration = try folder.write("rsyncd.conf", settings)
        var started: (ChildProcess, UInt16)?
        for _ in 0..<20 where started == nil {
            let port = try Self.freePort()
            let process = try ChildProcess([
                try Tool.path("rsync", package: "rsync"), "--daemon", "--no-detach", "--address=127.0.0.1",
                "--port=\(port)", "--config=\(configuration)",
            ])
            // Somebody else may have taken the port meanwhile; then it ends at once.
            if try Self.answers(port) { started = (process, port) } else { process.signal(SIGKILL) }
        }
        guard let started else { throw LiveFailure("no rsync daemon could be started") }
        (process, port) = started
    }

    deinit { process.signal(SIGKILL) }

    func write(_ path: String, _ text: String) throws {
        if let slash = path.lastIndex(of: "/") { try Files.makeDirectory(content + "/" + path[..<slash]) }
        try Files.write(content + "/" + path, Array(text.utf8), mode: 0o644)
    }

    /// A port that nobody listens on now.
    static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        guard code == 0 else { throw LiveFailure.system("find a free port") }
        return UInt16(bigEndian: address.sin_port)
    }

    private static func answers(_ port: UInt16) throws -> Bool {
        let deadline = Deadline(.seconds(120))
        while !deadline.isOver {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var address = loopback(port)
            let code = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            if code == 0 {
                var greeting = [UInt8](repeating: 0, count: 8)
                return recv(descriptor, &greeting, greeting.count, 0) > 0 && greeting.starts(with: "@RSYNCD".utf8)
            }
            poll(nil, 0, 5)
        }
        return false
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}
