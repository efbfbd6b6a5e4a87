// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import MirrorConfig
package import MirrorRun
internal import MirrorWire
package import SyncJobs

/// The real runs.
extension RunSupervisor: RunCarrier {
    package func recoverRuns() async -> [JobName: RunNumber] {
        Dictionary(await recover().map { ($0.name, $0.run) }) { max($0, $1) }
    }

    package func perform(
        _ step: JobStep, of mirror: MirrorSettings, run: RunNumber,
        reporting progress: @escaping @Sendable (ProgressReport) -> Void
    ) async -> StepResult {
        await perform(step, of: mirror, run: run) { report in
            func count(_ number: Int64?) -> UInt64? { number.map { UInt64(max(0, $0)) } }
            progress(
                ProgressReport(
                    bytes: count(report.bytes), totalBytes: count(report.estimatedTotalBytes),
                    files: count(report.files),
                    percent: UInt64(max(0, report.percent)), rate: count(report.bytesPerSecond),
                    etaSeconds: count(report.remainingSeconds)))
        }
    }

    package func resultBytes(of name: JobName, run: RunNumber) -> Int64? { facts(of: name, run: run)?.bytes }

    package func logDocuments(of mirror: MirrorSettings) -> [LogDocument] {
        logs(of: mirror).map { log in
            LogDocument(
                id: log.id, run: log.run?.number ?? 0, started: .init(seconds: log.started),
                bytes: UInt64(max(0, log.bytes)), isFailed: log.isFailure, isCompressed: log.isCompressed)
        }
    }

    package func log(
        _ id: String, of mirror: MirrorSettings, offset: Int64, follow: Bool
    ) throws(LogRefusal) -> any AsyncSequence<[UInt8], any Error> & Sendable {
        let stream: LogStream
        do throws(RunFailure) {
            stream = try readLog(id, of: mirror, offset: offset, follow: follow)
        } catch {
            throw LogRefusal(error.message)
        }
        return LogPieces(stream: stream)
    }
}

/// A log's pieces with an error that all readers know.
private struct LogPieces: AsyncSequence, Sendable {
    let stream: LogStream

    struct Iterator: AsyncIteratorProtocol {
        var iterator: LogStream.Iterator

        mutating func next() async throws -> [UInt8]? { try await iterator.next() }
    }

    func makeAsyncIterator() -> Iterator { Iterator(iterator: stream.makeAsyncIterator()) }
}
