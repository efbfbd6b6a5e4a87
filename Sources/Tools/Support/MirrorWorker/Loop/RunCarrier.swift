// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import MirrorConfig
package import MirrorWire
package import SyncJobs

/// What a run shows of itself while it goes on.
package typealias ProgressReport = RunProgress

/// A log of a run, as managers are told of it.
package typealias LogDocument = LogEntry

/// What carries out the runs of a worker; `RunSupervisor` does.
package protocol RunCarrier: Sendable {
    /// Ends what a dead worker has left, before the first step.
    ///
    /// - Returns: the runs that were under way.
    func recoverRuns() async -> [JobName: RunNumber]

    /// Carries out one step.
    func perform(
        _ step: JobStep, of mirror: MirrorSettings, run: RunNumber,
        reporting progress: @escaping @Sendable (ProgressReport) -> Void
    ) async -> StepResult

    /// Ends the step that is going on.
    func stop(_ name: JobName, run: RunNumber) async

    /// The size of a run's result in bytes, before ``finish(_:run:)``.
    func resultBytes(of name: JobName, run: RunNumber) -> Int64?

    /// Lets go of a run after its last step.
    func finish(_ name: JobName, run: RunNumber)

    /// The logs of a mirror, newest first.
    func logDocuments(of mirror: MirrorSettings) -> [LogDocument]

    /// A log in pieces, from an offset on.
    ///
    /// - Throws: LogRefusal when there is no such log.
    func log(
        _ id: String, of mirror: MirrorSettings, offset: Int64, follow: Bool
    ) throws(LogRefusal) -> any AsyncSequence<[UInt8], any Error> & Sendable
}

/// Why a log cannot be read.
package struct LogRefusal: Error, Hashable, Sendable {
    /// What is wrong, for a person.
    package var message: String

    /// Describes a refusal.
    package init(_ message: String) { self.message = message }
}
