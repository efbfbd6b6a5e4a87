// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import LiveTestSupport
import Logging
import NIOPosix
import NodeSupport
@testable import PlutoService
import ServiceLifecycle
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(10))) struct ControlTests {
    private let folder: TemporaryDirectory
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    init() throws { folder = try TemporaryDirectory("control") }

    private static let members = [
        MemberReport(name: "worker-1", stripe: 0, addresses: [], replica: "1.1", isAsked: true),
        MemberReport(name: "worker-2", stripe: 1, addresses: ["127.0.0.1:1"], replica: nil, isAsked: false),
    ]

    /// Runs a server while the body runs.
    private func withServer(
        _ answer: @escaping @Sendable (MemberRequest) async -> MemberReply, _ body: (String) async throws -> Void
    ) async throws {
        let path = folder.file(ControlServer.fileName)
        let server = try await ControlServer.bind(path: path, logger: logger, answer: answer)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            try await body(path)
            group.cancelAll()
        }
        #expect(access(path, F_OK) != 0, "the socket is gone")
    }

    @Test func carriesRequestsAndReplies() async throws {
        let asked = Mutex<[MemberRequest]>([])
        try await withServer { request in
            asked.withLock { $0.append(request) }
            return request == .remove(name: "nobody")
                ? .refused("there is no member nobody") : .members(group: "users", Self.members)
        } _: { path in
            let requests: [MemberRequest] = [
                .list, .add(name: "worker-2", addresses: ["127.0.0.1:1"]), .remove(name: "worker-2"),
            ]
            for request in requests {
                let (group, members) = try await ControlClient.ask(request, path: path)
                #expect(group == "users" && members == Self.members)
            }
            let error = await #expect(throws: NodeError.self) {
                try await ControlClient.ask(.remove(name: "nobody"), path: path)
            }
            #expect(error?.code == .controlRefused && error?.message == "there is no member nobody")
            #expect(asked.withLock { $0 } == requests + [.remove(name: "nobody")])
        }
    }

    @Test func onlyTheOwnerCanOpenTheSocket() async throws {
        try await withServer { _ in
            .members(group: "g", [])
        } _: { path in
            var status = stat()
            #expect(stat(path, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
        }
    }

    @Test func garbageIsAnsweredWithARefusalAndHarmsNothing() async throws {
        try await withServer { _ in
            .members(group: "g", Self.members)
        } _: { path in
            for text in ["hello\n", "{}\n", "{\"list\":1}\n", "\n", String(repeating: "x", count: 300_000) + "\n"] {
                // A line beyond the limit is not answered at all.
                let answer = try await RawUnixSocket.exchange(text, path: path)
                #expect(answer.isEmpty || answer.contains("refused"), "\(answer)")
            }
            // One who connects and leaves, and one who never ends its line.
            _ = try await RawUnixSocket.exchange("", path: path)
            _ = try await RawUnixSocket.exchange("{\"list\"", path: path)
            let members = try await ControlClient.ask(.list, path: path).members
            #expect(members == Self.members)
        }
    }

    @Test func replacesASocketThatACrashLeft() async throws {
        let path = folder.file(ControlServer.fileName)
        let first = try await ControlServer.bind(path: path, logger: logger) { _ in .members(group: "old", []) }
        try await withServer { _ in
            .members(group: "new", [])
        } _: { path in
            let group = try await ControlClient.ask(.list, path: path).group
            #expect(group == "new")
        }
        // Ends the first one's listener.
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await first.run() }
            group.cancelAll()
        }
    }

    @Test func errorsNameThePath() async throws {
        let missing = folder.file("none.sock")
        let error = await #expect(throws: NodeError.self) { try await ControlClient.ask(.list, path: missing) }
        #expect(error?.code == .controlUnusable && error?.message.contains(missing) == true)
        let long = folder.file(String(repeating: "x", count: 120))
        let tooLong = await #expect(throws: NodeError.self) {
            try await ControlServer.bind(path: long, logger: logger) { _ in .refused("") }
        }
        #expect(tooLong?.message.contains("107 bytes") == true)
    }
}

/// A Unix-domain socket without manners.
private enum RawUnixSocket {
    /// Sends text, ends its side, and reads to the end; not on a thread that the server may need.
    static func exchange(_ text: String, path: String) async throws -> String {
        try await NIOThreadPool.singleton.runIfActive { try block(text, path: path) }
    }

    private static func block(_ text: String, path: String) throws -> String {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw LiveFailure("socket: errno \(errno)") }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
        }
        guard status == 0 else { throw LiveFailure("connect: errno \(errno)") }
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            // The server closes when it has seen enough.
            guard count > 0 else { break }
            bytes = bytes.dropFirst(count)
        }
        shutdown(descriptor, Int32(SHUT_WR))
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { throw LiveFailure("no end of the answer to \(text.prefix(20)): errno \(errno)") }
            guard count > 0 else { return String(decoding: answer, as: UTF8.self) }
            answer += chunk[..<count]
        }
    }
}
