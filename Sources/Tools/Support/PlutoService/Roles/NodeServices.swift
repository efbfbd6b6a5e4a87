// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import MailStore
internal import NIOCore
internal import NIOPosix
internal import NodeSupport
internal import ServiceLifecycle
internal import Synchronization
internal import UserDatabase

/// Ends the node when its standard input ends: then the process that supervises it has ended, however that happened.
struct ParentWatch: Service {
    func run() async throws {
        let ended = AsyncStream.makeStream(of: Void.self)
        let channel: any Channel
        do {
            channel = try await NIOPipeBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .takingOwnershipOfDescriptor(input: dup(STDIN_FILENO)).get()
        } catch {
            throw NodeError(.supervisorUnreachable, "standard input cannot be watched", cause: error)
        }
        channel.closeFuture.whenComplete { _ in ended.continuation.finish() }
        await withTaskCancellationOrGracefulShutdownHandler {
            // What the supervisor may write means nothing.
            for await _ in ended.stream {}
        } onCancelOrGracefulShutdown: {
            channel.close(promise: nil)
        }
    }
}

/// Keeps a store's engine up with its log, and closes it after all that use it have ended.
struct StoreService: Service {
    let store: MailStore

    func run() async throws {
        // The store stops last: everybody who uses it has ended when it is told to.
        try await cancelWhenGracefulShutdown { try await store.run() }
        await store.close()
    }
}

/// Closes the user database when the node stops.
struct UserDatabaseService: Service {
    let database: UserDatabase

    func run() async throws {
        // Cancellation means the same as a graceful stop here.
        try? await gracefulShutdown()
        await database.close()
    }
}

/// Says that the services are running: the last to start, so that whoever reads it can connect, and can end the process
/// by a signal.
struct Announcement: Service, CustomStringConvertible {
    let text: String
    let say: @Sendable (String) -> Void
    let started: StartTime

    /// What the life cycle's log calls it.
    var description: String { "PlutoService.Announcement" }

    func run() async throws {
        started.mark()
        say(text)
        try await gracefulShutdown()
    }
}

/// When the node became ready.
final class StartTime: Sendable {
    private let instant = Mutex<ContinuousClock.Instant?>(nil)

    func mark() { instant.withLock { $0 = .now } }

    /// The time since then, in seconds; 0 before.
    var uptimeSeconds: Double {
        guard let start = instant.withLock({ $0 }) else { return 0 }
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}

extension NodeError.Code {
    /// The process that supervises a node cannot be watched.
    static let supervisorUnreachable = NodeError.Code("supervisorUnreachable")
}
