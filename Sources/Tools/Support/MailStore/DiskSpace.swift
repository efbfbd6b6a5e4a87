// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import Logging
internal import Synchronization

extension MailStore {
    /// Refuses what would leave less free space than is kept so that everything accepted can be finished.
    func checkSpace(for size: UInt64) throws(MailStoreError) {
        try core.withLock { core throws(MailStoreError) in try core.checkWritable(now: now()) }
        guard let free = freeBytes() else { return }
        note(free)
        // The log takes the message first and the engine after it.
        let needed = options.reservedDiskBytes + 2 * size
        guard free >= needed else {
            throw MailStoreError(
                .diskFull, "the disk of the mail store has \(free) octets free, \(needed) are needed: make room")
        }
    }

    /// Looks at the free space; to be called now and then, so that peers hear when there is none, and when there is again.
    package func checkDisk() {
        if let free = freeBytes() { note(free) }
    }

    private func note(_ free: UInt64) {
        let lacksSpace = free < options.reservedDiskBytes
        guard core.withLock({ $0.health.note(lacksSpace: lacksSpace) }) else { return }
        logger.log(
            level: lacksSpace ? .error : .notice,
            lacksSpace ? "the disk is full: no more mail is taken until there is room" : "the disk has room again",
            metadata: ["free": "\(free)", "kept": "\(options.reservedDiskBytes)"])
        signals.progressed()
    }

    /// Whether the store can write, as it tells its peers: false while its disk is full or fails.
    package var isWritable: Bool { core.withLock { $0.health.isWritable } }

    /// The octets that may still be written, or nil when the system does not say.
    private func freeBytes() -> UInt64? {
        var statistics = statvfs()
        guard statvfs(path, &statistics) == 0 else { return nil }
        return UInt64(statistics.f_bavail) * UInt64(statistics.f_frsize)
    }
}
