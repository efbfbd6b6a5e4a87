// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What bounds the reading of a JSON text.
package struct JSONLimits: Hashable, Sendable {
    /// The longest text in bytes: 1 MiB.
    package var maximumBytes = 1 << 20
    /// The most arrays and objects inside each other: 32.
    package var maximumDepth = 32
    /// The most values in all: 200,000.
    package var maximumValues = 200_000

    /// The documented defaults.
    package init() {}

    /// The defaults with another length.
    ///
    /// - Parameter maximumBytes: the longest text in bytes.
    package init(maximumBytes: Int) { self.maximumBytes = maximumBytes }
}
