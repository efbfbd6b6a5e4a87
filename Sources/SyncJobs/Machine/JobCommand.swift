// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What somebody may ask of a job.
public enum JobCommand: Hashable, Sendable {
    /// Run now; by force, without waiting for a slot or a window.
    case start(force: Bool)
    /// End the run, if there is one, and pause.
    case stop
    /// End the run, if there is one, and take the job out of the schedule until it is enabled or started.
    case disable
    /// End the run, if there is one, and run again.
    case restart
    /// Put a paused or disabled job back into the schedule.
    case enable
    /// Say that it is there; changes nothing.
    case ping
}
