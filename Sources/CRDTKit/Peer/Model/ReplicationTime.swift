// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What the clocks of a node say when something happens: the machine has no clock of its own.
public struct ReplicationTime: Hashable, Sendable {
    /// Milliseconds of a clock that never goes back, from any origin; all timeouts count on it.
    public var monotonicMilliseconds: UInt64
    /// Milliseconds since 1970, for comparison with the peers' clocks and with hybrid timestamps.
    public var wallMilliseconds: UInt64

    /// Puts two clocks together.
    ///
    /// - Parameters:
    ///   - monotonicMilliseconds: the clock that never goes back.
    ///   - wallMilliseconds: milliseconds since 1970.
    public init(monotonicMilliseconds: UInt64, wallMilliseconds: UInt64) {
        self.monotonicMilliseconds = monotonicMilliseconds
        self.wallMilliseconds = wallMilliseconds
    }
}
