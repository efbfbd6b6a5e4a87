// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import SyncJobs

/// The text of a log, piece by piece; it may be read once.
package struct LogStream: AsyncSequence, Sendable {
    package typealias Element = [UInt8]
    package typealias Failure = RunFailure

    /// The longest piece.
    static let pieceBytes = 64 << 10
    /// How often a growing log is looked at.
    static let pause = Duration.milliseconds(100)

    private let source: Source

    init(
        _ descriptor: Int32, path: String, isCompressed: Bool, offset: Int64, isActive: @escaping @Sendable () -> Bool
    ) throws(RunFailure) {
        source = try Source(descriptor, path, isCompressed, offset, isActive)
    }

    package func makeAsyncIterator() -> Iterator { Iterator(source: source) }

    /// Reads the pieces.
    package struct Iterator: AsyncIteratorProtocol {
        fileprivate let source: Source

        /// The next piece, as soon as there is one.
        ///
        /// - Returns: nothing at the end of the log, or when the task is cancelled.
        /// - Throws: ``RunFailure`` when the file cannot be read.
        package mutating func next() async throws(RunFailure) -> [UInt8]? {
            while !Task.isCancelled {
                // Asked first: what a run writes before it ends is then read after it.
                let isActive = source.isActive()
                let piece = try source.next()
                if !piece.isEmpty { return piece }
                if !isActive { return nil }
                // Cancelled: the loop ends.
                do { try await Task.sleep(for: LogStream.pause) } catch { return nil }
            }
            return nil
        }
    }

    /// The file.
    ///
    /// It has one reader, who reads piece after piece; nobody else touches it, hence `@unchecked`.
    fileprivate final class Source: @unchecked Sendable {
        private let descriptor: Int32
        private let path: String
        private let gzip: GzipReader?
        private var skipped: Int64
        let isActive: @Sendable () -> Bool

        init(
            _ descriptor: Int32, _ path: String, _ isCompressed: Bool, _ offset: Int64,
            _ isActive: @escaping @Sendable () -> Bool
        ) throws(RunFailure) {
            self.descriptor = isCompressed ? -1 : descriptor
            self.path = path
            self.isActive = isActive
            skipped = offset
            gzip = isCompressed ? try GzipReader(descriptor, path: path) : nil
            if !isCompressed, lseek(descriptor, off_t(offset), SEEK_SET) < 0 {
                let code = errno
                close(descriptor)
                throw RunFailure.system("seek in \(path)", code)
            }
        }

        deinit { if descriptor >= 0 { close(descriptor) } }

        func next() throws(RunFailure) -> [UInt8] {
            guard let gzip else { return try nextPlain() }
            while true {
                let piece = try gzip.next()
                if piece.isEmpty || skipped == 0 { return piece }
                let cut = Swift.min(skipped, Int64(piece.count))
                skipped -= cut
                if cut < piece.count { return Array(piece[Int(cut)...]) }
            }
        }

        private func nextPlain() throws(RunFailure) -> [UInt8] {
            while true {
                var piece = [UInt8](repeating: 0, count: LogStream.pieceBytes)
                let count = read(descriptor, &piece, piece.count)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw RunFailure.system("read \(path)", errno) }
                return Array(piece[..<count])
            }
        }
    }
}
