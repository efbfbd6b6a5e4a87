// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import SyncJobs
internal import Synchronization

/// Which run wrote which log: the names of logs have no room for it.
final class LogIndex: Sendable {
    private let directory: StateDirectory
    private let guardian = Mutex(())

    /// The index in a state directory.
    init(_ directory: StateDirectory) { self.directory = directory }

    /// Notes a log and forgets those that are gone.
    ///
    /// - Parameters:
    ///   - id: what the log is called.
    ///   - run: the run that writes it.
    ///   - mirror: whose run it is.
    ///   - kept: what the mirror's logs are called.
    /// - Throws: ``RunFailure`` that says what the system refused.
    func add(_ id: String, run: RunNumber, of mirror: JobName, kept: Set<String>) throws(RunFailure) {
        let result: Result<Void, RunFailure> = guardian.withLock { _ in
            var lines = read(mirror).filter { kept.contains($0.id) && $0.id != id }.map { "\($0.id) \($0.run.number)" }
            lines.append("\(id) \(run.number)")
            do throws(RunFailure) {
                try directory.write(mirror.text, in: "logs", lines.joined(separator: "\n") + "\n")
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    /// The run that wrote each log of a mirror, as far as that is known.
    func runs(of mirror: JobName) -> [String: RunNumber] {
        guardian.withLock { _ in Dictionary(read(mirror).map { ($0.id, $0.run) }) { $1 } }
    }

    private func read(_ mirror: JobName) -> [(id: String, run: RunNumber)] {
        (directory.read(mirror.text, in: "logs") ?? "").split(separator: "\n").compactMap { line in
            let parts = line.split(separator: " ")
            guard parts.count == 2, let number = UInt64(parts[1]) else { return nil }
            return (String(parts[0]), RunNumber(number))
        }
    }
}
