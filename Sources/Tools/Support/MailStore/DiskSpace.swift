// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import Synchronization

extension MailStore {
    /// Refuses what would leave less free space than is kept so that everything accepted can be finished.
    func checkSpace(for size: UInt64) throws(MailStoreError) {
        try core.withLock { core throws(MailStoreError) in try core.checkWritable(now: now()) }
        guard let free = freeBytes() else { return }
        // The log takes the message first and the engine after it.
        let needed = options.reservedDiskBytes + 2 * size
        guard free >= needed else {
            throw MailStoreError(
                .diskFull, "the disk of the mail store has \(free) octets free, \(needed) are needed: make room")
        }
    }

    /// The octets that may still be written, or nil when the system does not say.
    private func freeBytes() -> UInt64? {
        var statistics = statvfs()
        guard statvfs(path, &statistics) == 0 else { return nil }
        return UInt64(statistics.f_bavail) * UInt64(statistics.f_frsize)
    }
}
