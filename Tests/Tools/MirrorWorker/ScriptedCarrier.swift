// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import MirrorConfig
import MirrorWire
import Synchronization
import SyncJobs

@testable import MirrorWorker

/// Runs that end when a test says so.
final class ScriptedCarrier: RunCarrier {
    private struct State {
        var waiting: [JobName: CheckedContinuation<StepResult, Never>] = [:]
        var stopped: Set<RunNumber> = []
        var begun: [JobName] = []
        var settings: [JobName: [MirrorSettings]] = [:]
        var finished: [RunNumber] = []
    }

    private let state = Mutex(State())
    private let endsAtOnce: Bool

    /// Runs that go on until they are stopped or ended, or that end at once.
    init(endsAtOnce: Bool = false) { self.endsAtOnce = endsAtOnce }

    /// The mirrors whose commands were begun, in order.
    var begun: [JobName] { state.withLock { $0.begun } }
    /// The runs that were let go of.
    var finished: [RunNumber] { state.withLock { $0.finished } }
    /// The mirrors whose commands go on.
    var going: Set<JobName> { state.withLock { Set($0.waiting.keys) } }

    /// The settings that runs of a mirror had.
    func settings(of name: JobName) -> [MirrorSettings] { state.withLock { $0.settings[name] ?? [] } }

    /// Ends a command.
    func end(_ name: JobName, _ result: StepResult = .done(size: nil)) {
        state.withLock { $0.waiting.removeValue(forKey: name) }?.resume(returning: result)
    }

    func recoverRuns() async -> [JobName: RunNumber] { [:] }

    func perform(
        _ step: JobStep, of mirror: MirrorSettings, run: RunNumber,
        reporting progress: @escaping @Sendable (ProgressReport) -> Void
    ) async -> StepResult {
        guard case .execute = step else { return .done(size: nil) }
        progress(ProgressReport(bytes: 7, percent: 50))
        if endsAtOnce {
            state.withLock { $0.begun.append(mirror.name) }
            return .done(size: nil)
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isStopped = state.withLock { state in
                    state.begun.append(mirror.name)
                    state.settings[mirror.name, default: []].append(mirror)
                    if state.stopped.contains(run) { return true }
                    state.waiting[mirror.name] = continuation
                    return false
                }
                if isStopped { continuation.resume(returning: .stopped) }
            }
        } onCancel: {
            end(mirror.name, .stopped)
        }
    }

    func stop(_ name: JobName, run: RunNumber) async {
        state.withLock { _ = $0.stopped.insert(run) }
        end(name, .stopped)
    }

    func resultBytes(of name: JobName, run: RunNumber) -> Int64? { 42 }

    func finish(_ name: JobName, run: RunNumber) { state.withLock { $0.finished.append(run) } }

    func logDocuments(of mirror: MirrorSettings) -> [LogDocument] { [] }

    func log(
        _ id: String, of mirror: MirrorSettings, offset: Int64, follow: Bool
    ) throws(LogRefusal) -> any AsyncSequence<[UInt8], any Error> & Sendable {
        throw LogRefusal("there is no log \(id)")
    }
}
