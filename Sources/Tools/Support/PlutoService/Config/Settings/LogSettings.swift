// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import Logging

/// What is logged; section `[Log]`.
package struct LogSettings: Hashable, Sendable {
    /// The least severe level that is written; key `Level`, which `-loglevel` overrides.
    package var level = Logger.Level.info

    /// The documented defaults.
    package init() {}
}
