// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorConfig
internal import SyncJobs

/// Everything that reaches the worker's loop.
enum WorkerInput: Sendable {
    /// A step of a run is over.
    case stepEnded(JobName, RunNumber, StepResult)
    /// Somebody asks something of a job; answered with the machine's refusal, if any.
    case command(JobCommand, JobName, by: String, CheckedContinuation<CommandAnswer, Never>)
    /// Somebody asks why a job does what it does.
    case explain(JobName, CheckedContinuation<Explanation?, Never>)
    /// Another configuration is to hold from now on.
    case apply(WorkerConfiguration, CheckedContinuation<Void, Never>)
    /// What a manager remembers of this worker's mirrors after a registration.
    case known(manager: String, ManagerLink.Knowledge)
    /// No new runs; the loop ends when those that there are have ended.
    case stop(reason: String)
}

/// What became of a command.
enum CommandAnswer: Hashable, Sendable {
    case accepted
    case unknownMirror
    case refused(String)
}
