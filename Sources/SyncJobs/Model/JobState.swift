// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What the outside sees of a job: the seven states that every peer knows.
public enum JobState: String, Hashable, CaseIterable, Sendable {
    /// Nothing is known of it yet.
    case none
    /// Its last run failed.
    case failed
    /// Its last run succeeded.
    case success
    /// Its command is running.
    case syncing
    /// It has a slot and prepares: hooks run before the command does.
    case preSyncing = "pre-syncing"
    /// Somebody stopped it; it runs again when it is started.
    case paused
    /// Somebody disabled it; it is not scheduled until it is started or enabled.
    case disabled
}
