// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import SyncJobs
internal import Synchronization

/// The right to work on a mirror's folder, which one process of the host has at a time.
///
/// It is a lock of flock(2) on the folder itself. The programs of the run hold it too: when the worker dies and they
/// live on, the lock stays taken until they have ended.
final class MirrorLock: Sendable {
    /// The descriptor that holds the lock.
    let descriptor: Int32
    private let isLeft = Atomic(false)

    /// Takes the lock.
    ///
    /// - Parameter folder: the mirror's folder, which exists.
    /// - Throws: ``RunFailure`` of class `transient` that names the holder when somebody has it.
    init(_ folder: String) throws(RunFailure) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw RunFailure.system("open \(folder)", errno) }
        var result = flock(descriptor, LOCK_EX | LOCK_NB)
        while result != 0, errno == EINTR { result = flock(descriptor, LOCK_EX | LOCK_NB) }
        if result != 0 {
            let code = errno
            let failure =
                code == EWOULDBLOCK
                ? RunFailure(.transient, "\(folder) is in use by \(Self.holder(descriptor)); it is not synced twice")
                : RunFailure.system("lock \(folder)", code)
            close(descriptor)
            throw failure
        }
        self.descriptor = descriptor
    }

    /// Leaves the lock to processes of the run that could not be ended; it is free when the last of them has ended.
    func leaveToOthers() { isLeft.store(true, ordering: .relaxed) }

    deinit {
        // A process that somebody else is just starting has a copy of the descriptor for a moment, which would keep the lock.
        if !isLeft.load(ordering: .relaxed) { _ = flock(descriptor, LOCK_UN) }
        close(descriptor)
    }

    /// Who holds the lock of a folder, as /proc/locks says (proc_locks(5)).
    private static func holder(_ descriptor: Int32) -> String {
        var status = stat()
        guard fstat(descriptor, &status) == 0, let bytes = SmallFile.read("/proc/locks", limit: 1 << 20) else {
            return "another process"
        }
        let inode = String(status.st_ino)
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count >= 6, fields[1] == "FLOCK",
                fields[5].split(separator: ":").last.map(String.init) == inode,
                let pid = pid_t(fields[4]), pid > 0
            else { continue }
            return kill(pid, 0) == 0 || errno == EPERM
                ? "process \(pid)" : "what process \(pid), which is dead, has started"
        }
        return "another process"
    }
}
