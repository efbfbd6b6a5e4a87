// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NIOCore
internal import NIOPosix
package import NodeSupport

/// Asks a node on the same machine through its control socket.
package enum ControlClient {
    /// Asks.
    ///
    /// - Parameters:
    ///   - request: What to ask.
    ///   - path: The socket.
    ///   - milliseconds: The longest to wait.
    /// - Returns: The group's name and its members afterwards.
    /// - Throws: ``NodeError`` with `controlUnusable` if there is no answer, `controlRefused` if it is a refusal.
    package static func ask(
        _ request: MemberRequest, path: String, milliseconds: Int64 = 35_000
    ) async throws(NodeError) -> (group: String, members: [MemberReport]) {
        let line = try ControlCoding.line(request)
        let answer: [UInt8]
        do { answer = try await exchange(line, path: path, milliseconds: milliseconds) } catch let error as NodeError {
            throw error
        } catch {
            throw NodeError(
                .controlUnusable, "no answer at \(path); is the node running, and is this its user?", cause: error)
        }
        switch try ControlCoding.value(MemberReply.self, in: answer) {
        case .members(let group, let members): return (group, members)
        case .refused(let reason): throw NodeError(.controlRefused, reason)
        }
    }

    private static func exchange(_ line: [UInt8], path: String, milliseconds: Int64) async throws -> [UInt8] {
        let connection = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(unixDomainSocketPath: path) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        let overdue = connection.channel.eventLoop.scheduleTask(in: .milliseconds(milliseconds)) {
            connection.channel.close(promise: nil)
        }
        defer { overdue.cancel() }
        return try await connection.executeThenClose { input, output in
            try await output.write(ByteBuffer(bytes: line))
            var answer: [UInt8] = []
            for try await buffer in input {
                answer += buffer.readableBytesView
                guard answer.count <= ControlCoding.maximumLineBytes else { break }
                if answer.last == 0x0A { return answer }
            }
            throw NodeError(.controlUnusable, "the node ended the connection at \(path) without an answer")
        }
    }
}
