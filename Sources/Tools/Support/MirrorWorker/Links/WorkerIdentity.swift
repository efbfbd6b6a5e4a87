// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorWire

/// Who a worker is to its managers.
struct WorkerIdentity: Sendable {
    /// The worker's id.
    var name: String
    /// Where managers post commands to.
    var url: String
    /// What managers show with each command; empty when anybody may give commands.
    var commandToken: String
    /// What tells this process from earlier ones.
    var incarnation: String
    /// When this process started.
    var started: WireTime
    /// What tells the outbox from an earlier one.
    var outbox: String
    /// The version of the program.
    var version: String

    /// The registration: what tunasync's managers know, or all.
    func registration(isExtended: Bool) -> Worker {
        guard isExtended else { return Worker(id: name, url: url) }
        return Worker(
            id: name, url: url, token: commandToken, incarnation: incarnation, started: started, version: version)
    }
}
