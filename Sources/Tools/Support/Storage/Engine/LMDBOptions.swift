// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// How an LMDB engine works, and its limits.
package struct LMDBOptions: Hashable, Sendable {
    /// The size of the memory map, 64 GiB; it costs address space, not memory or disk.
    package var mapBytes: Int
    /// The size to which the map may grow, 1 TiB.
    package var maximumMapBytes: Int
    /// How many snapshots may be open at once, 1024.
    package var maximumReaders: Int

    /// Sets the options; see the properties.
    package init(
        mapBytes: Int = 64 << 30, maximumMapBytes: Int = 1 << 40, maximumReaders: Int = 1024
    ) {
        self.mapBytes = mapBytes
        self.maximumMapBytes = maximumMapBytes
        self.maximumReaders = maximumReaders
    }
}
