// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Glibc

/// A redis server of our own without persistence, on a socket in a folder that goes with it.
final class RedisPeer {
    private let folder: TemporaryFolder
    private let process: BenchChild
    private let socket: Int32
    private var replies = [UInt8](repeating: 0, count: 65_536)

    static let peer = BenchPeer("redis") {
        let folders = (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":")
        let isThere = folders.contains { access("\($0)/redis-server", X_OK) == 0 }
        return isThere ? nil : "there is no redis-server on PATH (Debian: redis-server)"
    }

    init(_ context: BenchContext) throws {
        folder = try context.temporaryFolder("redis")
        let path = folder.file("socket")
        process = try BenchChild(
            [
                "redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no", "--dir",
                folder.path, "--loglevel", "warning",
            ], cleanup: context.cleanup, errors: "/dev/null")
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw BenchFailure.system("socket") }
        try Self.connect(socket, path)
    }

    deinit { close(socket) }

    /// The process, for its clock.
    var pid: Int32 { process.pid }

    /// Removes all keys.
    func clear() throws { try send(Self.command(["FLUSHALL"]), replies: 1, ending: Array("+OK\r\n".utf8)) }

    /// Sends so many SADDs at once and waits for their replies.
    func add(_ commands: [UInt8], count: Int) throws {
        try send(commands, replies: count, ending: Array(":1\r\n".utf8))
    }

    /// A command as the protocol has it.
    static func command(_ words: [String]) -> [UInt8] {
        Array(("*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()).utf8)
    }

    private func send(_ bytes: [UInt8], replies count: Int, ending reply: [UInt8]) throws {
        var start = 0
        while start < bytes.count {
            let sent = bytes.withUnsafeBytes { write(socket, $0.baseAddress.map { $0 + start }, $0.count - start) }
            guard sent > 0 else { throw BenchFailure.system("write to redis") }
            start += sent
        }
        var rest = count * reply.count
        var last: UInt8 = 0
        while rest > 0 {
            let received = read(socket, &replies, min(rest, replies.count))
            guard received > 0 else { throw BenchFailure.system("read from redis") }
            // All replies are alike: each of their bytes is where it has to be.
            for index in 0..<received where replies[index] != reply[(count * reply.count - rest + index) % reply.count]
            {
                throw BenchFailure("redis answered something else than \(String(decoding: reply, as: UTF8.self))")
            }
            rest -= received
            last = replies[received - 1]
        }
        guard last == 0x0A else { throw BenchFailure("redis did not end its reply") }
    }

    /// The server makes the socket some time after its start.
    private static func connect(_ socket: Int32, _ path: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw BenchFailure("the path of the temporary folder is too long for a socket: \(path)")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            let result = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(socket, $0, size) }
            }
            if result == 0 { return }
            guard errno == ENOENT || errno == ECONNREFUSED else { throw BenchFailure.system("connect to redis") }
            poll(nil, 0, 1)
        }
        throw BenchFailure("redis-server did not start within 30 seconds")
    }
}
