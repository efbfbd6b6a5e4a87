// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CMirrorRun
internal import Glibc
internal import SyncJobs

/// Copies a tree of folders so that it costs little: blocks or whole files are shared where that is safe.
struct TreeCopy {
    /// How regular files are copied.
    enum Method: Hashable, Sendable {
        /// Share blocks (reflinks) where the file system can, else whole files (hard links).
        ///
        /// Only for programs that put new files in the place of old ones: what is written into a shared file shows at once
        /// in both trees.
        case share
        /// Share blocks where the file system can, else copy the bytes.
        case separate
    }

    private let method: Method
    private let isStopped: () -> Bool
    /// The first file tells whether the file system can share blocks.
    private var canClone = true
    private var entries = 0
    /// Copies of files with several names, so that their copies have several names too.
    private var copies: [FileIdentity: [CChar]] = [:]

    private init(_ method: Method, _ isStopped: @escaping () -> Bool) {
        self.method = method
        self.isStopped = isStopped
    }

    /// Copies what is in a folder into a new folder.
    ///
    /// Modes, owners, and times are those of the source; what is no file, folder or symbolic link is left out. Names are
    /// bytes.
    ///
    /// - Parameters:
    ///   - source: the folder to copy.
    ///   - target: the new folder, which must not exist.
    ///   - method: how files are copied.
    ///   - isStopped: asked now and then whether to give up.
    /// - Returns: false when it gave up; what was copied by then stays.
    /// - Throws: ``RunFailure`` that says what the system refused.
    static func copy(
        _ source: String, to target: String, _ method: Method, isStopped: @escaping () -> Bool
    ) throws(RunFailure) -> Bool {
        var status = stat()
        guard stat(source, &status) == 0 else { throw RunFailure.system("look at \(source)", errno) }
        guard mkdir(target, 0o700) == 0 else { throw RunFailure.system("mkdir \(target)", errno) }
        let from = open(source, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard from >= 0 else { throw RunFailure.system("open \(source)", errno) }
        defer { close(from) }
        let to = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard to >= 0 else { throw RunFailure.system("open \(target)", errno) }
        defer { close(to) }
        var copy = TreeCopy(method, isStopped)
        var folders: [(path: [CChar], status: stat)] = [([0x2e, 0], status)]
        var isWhole = true
        try TreeWalk.walk(source) { entry throws(RunFailure) in
            copy.entries += 1
            if copy.entries & 0xff == 0, isStopped() {
                isWhole = false
                return .end
            }
            if entry.isFolder {
                guard mkdirat(to, entry.path, 0o700) == 0 else { throw copy.refused(entry.path, errno) }
                folders.append((entry.path, entry.status))
            } else if entry.isLink {
                try copy.link(entry, from, to)
            } else if entry.isFile {
                try copy.file(entry, from, to)
            }
            return .go
        }
        // Filling a folder changes its times, so they come last, the innermost first.
        for folder in folders.reversed() { try copy.attributes(folder.path, folder.status, to, isLink: false) }
        return isWhole
    }

    private mutating func file(_ entry: TreeWalk.Entry, _ from: Int32, _ to: Int32) throws(RunFailure) {
        let identity = FileIdentity(entry.status)
        if entry.status.st_nlink > 1, let first = copies[identity] {
            if linkat(to, first, to, entry.path, 0) == 0 { return }
            throw refused(entry.path, errno)
        }
        if try cloned(entry, from, to) {
            try attributes(entry.path, entry.status, to, isLink: false)
        } else if method == .share {
            guard linkat(from, entry.path, to, entry.path, 0) == 0 else { throw refused(entry.path, errno) }
        } else {
            try bytes(entry, from, to)
            try attributes(entry.path, entry.status, to, isLink: false)
        }
        if entry.status.st_nlink > 1 { copies[identity] = entry.path }
    }

    private mutating func cloned(
        _ entry: TreeWalk.Entry, _ from: Int32, _ to: Int32
    ) throws(RunFailure) -> Bool {
        guard canClone, entry.status.st_size > 0 else { return false }
        let (source, target) = try opened(entry, from, to)
        defer {
            close(source)
            close(target)
        }
        if kuiper_clone_file(source, target) == 0 { return true }
        let code = errno
        guard unlinkat(to, entry.path, 0) == 0 else { throw refused(entry.path, errno) }
        // Anything but a full disk means that these files cannot share blocks here.
        guard code != ENOSPC, code != EDQUOT, code != EIO else { throw refused(entry.path, code) }
        canClone = false
        return false
    }

    private func bytes(_ entry: TreeWalk.Entry, _ from: Int32, _ to: Int32) throws(RunFailure) {
        let (source, target) = try opened(entry, from, to)
        defer {
            close(source)
            close(target)
        }
        var piece = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = read(source, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw refused(entry.path, errno) }
            if count == 0 { return }
            let code = piece.withUnsafeBytes { Descriptors.write($0[..<count].rebased, to: target) }
            guard code == 0 else { throw refused(entry.path, code) }
        }
    }

    private func opened(
        _ entry: TreeWalk.Entry, _ from: Int32, _ to: Int32
    ) throws(RunFailure) -> (source: Int32, target: Int32) {
        let source = openat(from, entry.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard source >= 0 else { throw refused(entry.path, errno) }
        let target = openat(to, entry.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard target >= 0 else {
            let code = errno
            close(source)
            throw refused(entry.path, code)
        }
        return (source, target)
    }

    private func link(_ entry: TreeWalk.Entry, _ from: Int32, _ to: Int32) throws(RunFailure) {
        var text = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = readlinkat(from, entry.path, &text, Int(PATH_MAX))
        guard count >= 0 else { throw refused(entry.path, errno) }
        text[count] = 0
        guard symlinkat(text, to, entry.path) == 0 else { throw refused(entry.path, errno) }
        try attributes(entry.path, entry.status, to, isLink: true)
    }

    private func attributes(
        _ path: [CChar], _ status: stat, _ to: Int32, isLink: Bool
    ) throws(RunFailure) {
        // Only root may give files away; for others the owner is the worker in both trees.
        _ = fchownat(to, path, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW)
        if !isLink, fchmodat(to, path, status.st_mode & 0o7777, 0) != 0 { throw refused(path, errno) }
        guard utimensat(to, path, [status.st_atim, status.st_mtim], AT_SYMLINK_NOFOLLOW) == 0 else {
            throw refused(path, errno)
        }
    }

    private func refused(_ path: [CChar], _ code: Int32) -> RunFailure {
        .system("copy \(TreeWalk.text(path)) for an atomic publication", code)
    }
}

/// Removes trees of folders.
enum TreeRemoval {
    /// Removes a folder and all that is in it; it may be gone already.
    ///
    /// - Parameter path: the folder; a symbolic link is not followed.
    /// - Throws: ``RunFailure`` that says what the system refused.
    static func remove(_ path: String) throws(RunFailure) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return }
            throw RunFailure.system("look at \(path)", errno)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            if unlink(path) == 0 || errno == ENOENT { return }
            throw RunFailure.system("remove \(path)", errno)
        }
        let base = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard base >= 0 else { throw RunFailure.system("open \(path)", errno) }
        defer { close(base) }
        var folders: [[CChar]] = []
        // Folders that cannot be written to cannot be emptied either, so they get the right first.
        _ = fchmod(base, 0o700)
        try TreeWalk.walk(path) { entry throws(RunFailure) in
            if entry.isFolder {
                folders.append(entry.path)
                _ = fchmodat(base, entry.path, 0o700, 0)
            } else if unlinkat(base, entry.path, 0) != 0, errno != ENOENT {
                throw RunFailure.system("remove \(path)/\(TreeWalk.text(entry.path))", errno)
            }
            return .go
        }
        for folder in folders.reversed() where unlinkat(base, folder, AT_REMOVEDIR) != 0 && errno != ENOENT {
            throw RunFailure.system("remove \(path)/\(TreeWalk.text(folder))", errno)
        }
        guard rmdir(path) == 0 || errno == ENOENT else { throw RunFailure.system("remove \(path)", errno) }
    }
}
