// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A message's internal date (RFC 3501 section 2.3.3).
package struct MessageDate: Hashable, Sendable {
    /// Seconds since 1970.
    package let seconds: Int64
    /// Minutes east of UTC.
    package let zoneMinutes: Int16

    /// Makes a date.
    package init(seconds: Int64, zoneMinutes: Int16) {
        self.seconds = seconds
        self.zoneMinutes = zoneMinutes
    }
}
