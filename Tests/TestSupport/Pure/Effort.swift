// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// How much a random check does: everything in a release build (`make test-exhaustive`), a sample in a debug build (`make test`), which is twenty times slower.
public enum Effort {
    /// Whether checks run in full.
    public static var isFull: Bool {
        #if DEBUG
        false
        #else
        true
        #endif
    }

    /// The number of runs of a check.
    ///
    /// - Parameter full: how many there are in full; a debug build does a tenth, and at least one.
    /// - Returns: the number for this build.
    public static func runs(_ full: Int) -> Int { isFull ? full : max(full / 10, 1) }
}
