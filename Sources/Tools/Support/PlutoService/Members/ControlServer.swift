// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
package import Logging
internal import NIOCore
internal import NIOPosix
package import NodeSupport
internal import ServiceLifecycle

/// Takes requests about members on a Unix-domain socket that only the node's own user can open.
///
/// Whoever can write to the node's directory can do anything to it already; so the file's permissions are all the
/// protection it needs.
package final class ControlServer: Service {
    /// What bounds the connections.
    package struct Limits: Hashable, Sendable {
        /// The most connections that wait.
        package var backlog: Int32 = 16
        /// The longest that a connection may take, in milliseconds.
        package var milliseconds: Int64 = 30_000

        /// The documented defaults.
        package init() {}
    }

    /// The socket's name inside a store's directory.
    package static let fileName = "control.sock"
    /// The most bytes of a path that the system takes for a socket (unix(7)).
    package static let maximumPathBytes = 107

    private let listener: NIOAsyncChannel<NIOAsyncChannel<ByteBuffer, ByteBuffer>, Never>
    private let path: String
    private let limits: Limits
    private let logger: Logger
    private let answer: @Sendable (MemberRequest) async -> MemberReply

    private init(
        listener: NIOAsyncChannel<NIOAsyncChannel<ByteBuffer, ByteBuffer>, Never>, path: String, limits: Limits,
        logger: Logger, answer: @escaping @Sendable (MemberRequest) async -> MemberReply
    ) {
        self.listener = listener
        self.path = path
        self.limits = limits
        self.logger = logger
        self.answer = answer
    }

    /// Makes the socket; one that an earlier process left is replaced.
    ///
    /// - Parameters:
    ///   - path: Where; the directory must belong to this process alone.
    ///   - limits: What bounds the connections.
    ///   - logger: Told about requests.
    ///   - answer: Does what is asked.
    /// - Returns: The server, to be run.
    /// - Throws: ``NodeError`` with `controlUnusable`.
    package static func bind(
        path: String, limits: Limits = Limits(), logger: Logger,
        answer: @escaping @Sendable (MemberRequest) async -> MemberReply
    ) async throws(NodeError) -> ControlServer {
        guard path.utf8.count <= maximumPathBytes else {
            throw NodeError(
                .controlUnusable,
                "\(path): the path of a socket has at most \(maximumPathBytes) bytes; use a directory with a shorter one"
            )
        }
        do {
            let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.backlog, value: limits.backlog)
            let listener = try await bootstrap.bind(
                unixDomainSocketPath: path, cleanupExistingSocketFile: true
            ) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
            guard chmod(path, 0o600) == 0 else {
                let code = errno
                try await listener.channel.close().get()
                throw NodeError.system(
                    .controlUnusable, "cannot protect \(path)", errno: code, remedy: "check the directory's permissions"
                )
            }
            return ControlServer(listener: listener, path: path, limits: limits, logger: logger, answer: answer)
        } catch let error as NodeError {
            throw error
        } catch {
            throw NodeError(.controlUnusable, "cannot make the control socket \(path)", cause: error)
        }
    }

    /// Answers until the process stops gracefully.
    package func run() async throws {
        let channel = listener.channel
        await withTaskCancellationOrGracefulShutdownHandler {
            // Closing the listener on purpose ends the sequence, or fails a wait for the next connection.
            try? await listener.executeThenClose { connections in
                try await withThrowingDiscardingTaskGroup { group in
                    for try await connection in connections {
                        group.addTask { await self.serve(connection) }
                    }
                }
            }
        } onCancelOrGracefulShutdown: {
            channel.close(promise: nil)
        }
        // A socket file without a listener only confuses; the next start replaces it in any case.
        _ = unlink(path)
    }

    private func serve(_ connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async {
        let overdue = connection.channel.eventLoop.scheduleTask(in: .milliseconds(limits.milliseconds)) {
            connection.channel.close(promise: nil)
        }
        // Whoever asks may leave at any time; there is nobody to tell then.
        try? await connection.executeThenClose { input, output in
            guard let line = try await Self.readLine(input) else { return }
            let reply = await reply(to: line)
            try await output.write(ByteBuffer(bytes: try ControlCoding.line(reply)))
        }
        overdue.cancel()
    }

    private func reply(to line: [UInt8]) async -> MemberReply {
        let request: MemberRequest
        do throws(NodeError) {
            request = try ControlCoding.value(MemberRequest.self, in: line)
        } catch {
            return .refused(error.message)
        }
        let reply = await answer(request)
        if request != .list {
            switch reply {
            case .members: logger.notice("members changed", metadata: ["change": "\(request)"])
            case .refused(let reason):
                logger.warning(
                    "a change of members was refused", metadata: ["change": "\(request)", "reason": "\(reason)"])
            }
        }
        return reply
    }

    private static func readLine(_ input: NIOAsyncChannelInboundStream<ByteBuffer>) async throws -> [UInt8]? {
        var line: [UInt8] = []
        for try await buffer in input {
            let bytes = buffer.readableBytesView
            line += bytes.prefix { $0 != 0x0A }
            guard line.count <= ControlCoding.maximumLineBytes else { return nil }
            if bytes.contains(0x0A) { return line }
        }
        return nil
    }
}
