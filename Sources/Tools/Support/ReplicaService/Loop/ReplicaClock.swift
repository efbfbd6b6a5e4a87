// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import MailStore
internal import NIOCore

/// The clocks of a replica.
package struct ReplicaClock: Sendable {
    /// Milliseconds since 1970.
    package var wallMilliseconds: @Sendable () -> UInt64

    /// Takes a wall clock; the monotonic one is the system's.
    ///
    /// - Parameter wallMilliseconds: milliseconds since 1970.
    package init(wallMilliseconds: @escaping @Sendable () -> UInt64) { self.wallMilliseconds = wallMilliseconds }

    /// The system's clocks.
    package static var system: ReplicaClock { ReplicaClock { WallClock.milliseconds() } }

    /// What both say now.
    func now() -> ReplicationTime {
        ReplicationTime(
            monotonicMilliseconds: NIODeadline.now().uptimeNanoseconds / 1_000_000,
            wallMilliseconds: wallMilliseconds())
    }
}
