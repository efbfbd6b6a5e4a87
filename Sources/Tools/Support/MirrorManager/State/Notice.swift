// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorWire
internal import SyncJobs

/// Something that happened, for whoever follows events.
enum Notice: Sendable {
    /// A mirror's row changed.
    case mirror([UInt8])
    /// A mirror is gone.
    case removed(MirrorKey)
    /// A worker's row changed.
    case worker([UInt8])
    /// A mirror came into another state.
    case transition(Transition)
}

/// A mirror's change of state, for webhooks.
struct Transition: Sendable {
    let status: MirrorStatus
    let previous: JobState
    let run: UInt64
    let attempt: UInt64
    let failure: FailureClass?
    let at: WireTime
}
