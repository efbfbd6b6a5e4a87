// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The read-optimised engine: LMDB, one file, readers that never wait, one writer thread.
///
/// A commit is synchronised to the disk before ``write(_:)`` returns. Values up to about 2 KiB share pages; larger ones have
/// pages of their own, so callers cut large ones into pieces of 16,368 bytes, which fill four pages exactly.
/// One process must not open the same directory twice at a time; ``DirectoryLock`` sees to it.
package final class LMDBEngine: KeyValueEngine {
    /// The size of a piece of a large value that wastes no page: four pages less LMDB's page header.
    package static let pieceBytes = 16_368

    /// The name of the file in the engine's directory that holds everything.
    static let fileName = "data.mdb"

    private let environment: LMDBEnvironment
    private let thread: JobThread

    private init(environment: LMDBEnvironment, thread: JobThread) {
        self.environment = environment
        self.thread = thread
    }

    deinit {
        close()
    }

    /// Opens the engine in a directory, or makes a new one.
    ///
    /// - Parameters:
    ///   - directory: where the file is; it is made when it is not there.
    ///   - options: the limits.
    /// - Returns: the open engine.
    /// - Throws: `versionTooNew`, `corruptEngine`, `diskFull`, `io`.
    package static func open(
        directory: String, options: LMDBOptions = LMDBOptions()
    ) throws(StorageError) -> LMDBEngine {
        let environment = try LMDBEnvironment(directory: directory, options: options)
        return LMDBEngine(environment: environment, thread: try JobThread(name: "engine-writer"))
    }

    package var keyLimitBytes: Int {
        LMDBTransaction.keyLimitBytes
    }

    package func read<R>(_ body: (any KeyValueReader) throws -> R) throws -> R {
        try environment.read(body)
    }

    package func write(_ body: @escaping @Sendable (any KeyValueWriter) throws -> Void) async throws {
        let failure: (any Error)? = await withCheckedContinuation { continuation in
            let isAccepted = thread.submit { [environment] in
                do {
                    try environment.write(body)
                    continuation.resume(returning: nil)
                } catch {
                    continuation.resume(returning: error)
                }
            }
            if !isAccepted {
                let directory = environment.directory
                continuation.resume(
                    returning: StorageError(.closed, "the engine \(directory) is closed", path: directory))
            }
        }
        if let failure { throw failure }
    }

    package func checkpoint(to directory: String) throws(StorageError) {
        try environment.checkpoint(to: directory)
    }

    package func statistics() throws(StorageError) -> EngineStatistics {
        try environment.statistics()
    }

    package func close() {
        thread.finish()
        environment.close()
    }
}
