// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import Dispatch
internal import Glibc
internal import Logging
internal import MirrorConfig
internal import NodeSupport
internal import ServiceLifecycle

/// What manager and worker are both told on the command line.
struct ServerOptions: ParsableArguments {
    @Flag(name: [.short, .long], help: "Log what happens, not only what matters.")
    var verbose = false

    @Flag(help: "Log everything, with the places in the sources.")
    var debug = false

    @Flag(help: "Log without times, for systemd's journal.")
    var withSystemd = false

    @Option(
        help: ArgumentHelp(
            "Write the number of the process into a file, which is removed in the end.", valueName: "file"),
        completion: .file())
    var pidfile: String?

    /// End with standard input: the process that started this one holds its other end.
    @Flag(help: .hidden)
    var supervised = false

    /// Lays the options over what the configuration says about logs.
    func apply(to log: inout MirrorLogSettings) {
        if debug { log.level = .debug } else if verbose { log.level = .info }
        if withSystemd { log.format = .systemd }
    }

    /// The services that the options ask for.
    func services() throws(NodeError) -> [any Service] {
        // A client that goes away is an error of a call, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        var services: [any Service] = []
        if let pidfile { services.append(try PIDFile(path: pidfile)) }
        if supervised { services.append(ParentWatch()) }
        return services
    }
}

/// A file with the number of this process.
struct PIDFile: Service {
    private let path: String

    /// Writes the file.
    ///
    /// - Parameter path: where.
    /// - Throws: ``NodeError`` when another process that runs is in it, or it cannot be written.
    init(path: String) throws(NodeError) {
        self.path = path
        if let other = Self.process(in: path), other != getpid(), kill(other, 0) == 0 || errno == EPERM {
            throw NodeError(
                .directoryUnusable,
                "\(path) is of process \(other), which runs; end that first, or give another --pidfile")
        }
        try AtomicFile.write(path: path, bytes: Array("\(getpid())\n".utf8))
    }

    /// Waits for the end and removes the file, unless it is another process's by then.
    func run() async throws {
        // Cancellation means the same as a graceful stop here.
        try? await gracefulShutdown()
        if Self.process(in: path) == getpid() { unlink(path) }
    }

    private static func process(in path: String) -> pid_t? {
        // A file that is not there or holds something else names no process.
        guard let bytes = try? BoundedFile.readIfPresent(path: path, limit: 64) else { return nil }
        return pid_t(String(decoding: bytes, as: UTF8.self).trimmed)
    }
}

/// Ends when standard input ends: then the process that supervises this one has ended, however that happened.
struct ParentWatch: Service {
    func run() async throws {
        let (ended, continuation) = AsyncStream.makeStream(of: Void.self)
        let queue = DispatchQueue(label: "kuiper.parent")
        let source = DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO, queue: queue)
        source.setEventHandler {
            var chunk = [UInt8](repeating: 0, count: 512)
            // What the supervisor may write means nothing.
            if read(STDIN_FILENO, &chunk, chunk.count) <= 0, errno != EINTR { continuation.finish() }
        }
        source.activate()
        defer { source.cancel() }
        await cancelWhenGracefulShutdown { for await _ in ended {} }
    }
}
