// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import FoundationEssentials
import Glibc
import Logging
import NodeSupport
import PeerTransport
import Synchronization

/// A temporary directory with the certificates of a small cluster, removed with its content at the end.
final class MeshFolder: Sendable {
    let path: String
    let authority: MeshAuthority

    init() throws {
        var template = Array("\(FileManager.default.temporaryDirectory.path)/mesh-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "cannot make a temporary directory")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        authority = try MeshAuthority.make()
        try write("root.pem", authority.certificatePEM)
    }

    deinit {
        // What stays behind is the temporary directory's to clean.
        try? FileManager.default.removeItem(atPath: path)
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ name: String, _ text: String) throws {
        try AtomicFile.write(path: file(name), bytes: Array(text.utf8))
    }

    /// Issues a node's pair as `NAME.pem` and `NAME-key.pem`.
    func issue(
        _ role: NodeRole, _ name: String, as fileName: String? = nil, by signer: MeshAuthority? = nil,
        lifetime: TimeInterval = 86_400, now: Date = Date()
    ) throws {
        guard let identity = NodeIdentity(role: role, name: name) else { throw MeshFolderError.badName(name) }
        let file = fileName ?? name
        try (signer ?? authority).issue(for: identity, hosts: ["127.0.0.1"], lifetime: lifetime, now: now)
            .write(certificatePath: self.file("\(file).pem"), keyPath: self.file("\(file)-key.pem"))
    }

    func mesh(
        _ name: String, roots: String = "root.pem", limits: MeshTLS.Limits = .init(), logger: Logger = .quiet
    ) throws -> MeshTLS {
        try MeshTLS(
            certificatePath: file("\(name).pem"), keyPath: file("\(name)-key.pem"), rootPath: file(roots),
            limits: limits, logger: logger)
    }
}

enum MeshFolderError: Error {
    case badName(String)
}

extension Logger {
    static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

/// Collects what is logged, and lets a test wait for it.
final class LogCollector: Sendable {
    struct Line: Sendable {
        let level: Logger.Level
        let text: String
    }

    private let lines = Mutex<[Line]>([])
    private let stream: AsyncStream<Line>
    private let continuation: AsyncStream<Line>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream(of: Line.self)
    }

    var logger: Logger { Logger(label: "test") { _ in Handler(collector: self) } }
    var all: [Line] { lines.withLock { $0 } }

    /// Waits for the next line that is at least this severe.
    func next(atLeast level: Logger.Level) async -> Line? {
        for await line in stream where line.level >= level { return line }
        return nil
    }

    fileprivate func add(_ line: Line) {
        lines.withLock { $0.append(line) }
        continuation.yield(line)
    }

    private struct Handler: LogHandler {
        let collector: LogCollector
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let details = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " ")
            collector.add(Line(level: event.level, text: "\(event.message) \(details)"))
        }
    }
}
