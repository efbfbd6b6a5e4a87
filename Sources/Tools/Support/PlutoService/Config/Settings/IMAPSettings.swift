// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What IMAP sessions offer, the same at every node.
package struct IMAPSettings: Hashable, Sendable {
    /// The text of the greeting; key `Greeting`.
    package var greeting = "Pluto ready."
    /// Stands between the levels of a mailbox name: `.` or `/`; key `HierarchySeparator`.
    package var hierarchySeparator: Character = "."
    /// The largest message, in octets; key `MaximumMessageBytes`.
    package var maximumMessageBytes = 64 << 20
    /// How long a session may be silent (RFC 9051 section 5.4), in minutes; key `IdleTimeoutMinutes`.
    package var idleTimeoutMinutes = 30

    /// The documented defaults.
    package init() {}
}
