// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Names that both sides of the HTTP interface must agree on.
package enum MirrorWire {
    /// The response header by which a manager or worker of ours is known.
    package static let capabilityHeader = "Kuiper-Mirror"
    /// The value of ``capabilityHeader``.
    package static let capabilityVersion = "1"
    /// The media type of every JSON document.
    package static let jsonType = "application/json; charset=utf-8"
    /// The port that managers of tunasync listen on.
    package static let defaultManagerPort = 14_242
    /// How often a worker sends a heartbeat, in seconds.
    package static let heartbeatSeconds = 10
    /// After how many seconds without one a worker counts as offline.
    package static let offlineSeconds = 30
    /// The exit status of a worker that was replaced by a newer process (`EX_TEMPFAIL`).
    package static let fencedExitStatus: Int32 = 75
}
