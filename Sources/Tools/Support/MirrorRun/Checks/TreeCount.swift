// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import SyncJobs

/// How much is in a folder.
package struct TreeCount: Hashable, Sendable {
    /// Regular files and symbolic links; a file with several names counts for each.
    package var files: Int64 = 0
    /// The sum of the files' sizes; a file with several names counts once.
    package var bytes: Int64 = 0

    /// Counts what is in a folder, without following symbolic links.
    ///
    /// Cost: one system call for each entry; memory for each file that has several names.
    ///
    /// - Parameters:
    ///   - folder: where to count.
    ///   - limit: after so many entries it gives up.
    ///   - isStopped: asked now and then whether to end early.
    /// - Returns: nothing when there were too many entries or it was stopped.
    /// - Throws: ``RunFailure`` that says what the system refused.
    static func count(
        _ folder: String, limit: Int, isStopped: () -> Bool = { false }
    ) throws(RunFailure) -> TreeCount? {
        var total = TreeCount()
        var seen: Set<FileIdentity> = []
        var entries = 0
        var isCut = false
        try TreeWalk.walk(folder) { entry throws(RunFailure) in
            entries += 1
            if entries > limit || (entries & 0xfff == 0 && isStopped()) {
                isCut = true
                return .end
            }
            guard entry.isFile || entry.isLink else { return .go }
            total.files += 1
            if entry.names > 1, entry.isFile, !seen.insert(entry.identity).inserted { return .go }
            total.bytes += Int64(entry.status.st_size)
            return .go
        }
        return isCut ? nil : total
    }

    /// Whether there is any file in a folder.
    ///
    /// Cost: until the first one.
    static func hasFiles(_ folder: String) throws(RunFailure) -> Bool {
        var isFound = false
        try TreeWalk.walk(folder) { entry throws(RunFailure) in
            guard entry.isFile || entry.isLink else { return .go }
            isFound = true
            return .end
        }
        return isFound
    }
}

extension TreeCount {
    /// How many files of one folder another folder lacks.
    ///
    /// - Parameters:
    ///   - folder: where files may be missing.
    ///   - before: the folder that has them.
    ///   - isStopped: asked now and then whether to end early.
    /// - Returns: the number so far.
    /// - Throws: ``RunFailure`` that says what the system refused.
    static func missing(
        from folder: String, of before: String, isStopped: () -> Bool
    ) throws(RunFailure) -> Int64 {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw RunFailure.system("open \(folder)", errno) }
        defer { close(descriptor) }
        var missing: Int64 = 0
        var entries = 0
        try TreeWalk.walk(before) { entry throws(RunFailure) in
            entries += 1
            if entries & 0xfff == 0, isStopped() { return .end }
            var status = stat()
            if !entry.isFolder, fstatat(descriptor, entry.path, &status, AT_SYMLINK_NOFOLLOW) != 0 { missing += 1 }
            return .go
        }
        return missing
    }
}

/// One file, whatever its names.
struct FileIdentity: Hashable, Sendable {
    var device: UInt64
    var inode: UInt64

    init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
    }
}

/// Walks over everything in a folder, without following symbolic links.
///
/// Names are bytes: no encoding is asked of them.
enum TreeWalk {
    /// What is met on the way.
    struct Entry {
        /// The path below the folder where the walk began, with a NUL at its end.
        var path: [CChar]
        var status: stat

        var isFile: Bool { status.st_mode & S_IFMT == S_IFREG }
        var isLink: Bool { status.st_mode & S_IFMT == S_IFLNK }
        var isFolder: Bool { status.st_mode & S_IFMT == S_IFDIR }
        /// The bits that say who may do what.
        var permissions: UInt32 { status.st_mode & 0o7777 }
        var bytes: Int64 { Int64(status.st_size) }
        /// How many names the file has.
        var names: UInt64 { UInt64(status.st_nlink) }
        var identity: FileIdentity { FileIdentity(status) }
        /// When it was last written, in nanoseconds since 1970.
        var modified: Int64 { Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec) }
    }

    /// How to go on.
    enum Step {
        case go
        /// Leave out what is in this folder.
        case skip
        /// End the walk.
        case end
    }

    /// Walks over a folder; each folder comes before what is in it.
    ///
    /// What vanishes meanwhile is passed over. Depth is bounded by memory only, not by the stack.
    static func walk(_ root: String, _ visit: (Entry) throws(RunFailure) -> Step) throws(RunFailure) {
        let base = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard base >= 0 else { throw RunFailure.system("list \(root)", errno) }
        defer { close(base) }
        var folders: [[CChar]] = [[0x2e, 0]]
        while let folder = folders.popLast() {
            // The first folder is the root, which may be a symbolic link; none below is followed.
            let descriptor = openat(base, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
            guard descriptor >= 0, let stream = fdopendir(descriptor) else {
                let code = errno
                if descriptor >= 0 { close(descriptor) }
                if code == ENOENT || code == ELOOP || code == ENOTDIR { continue }
                throw RunFailure.system("list \(root)/\(text(folder))", code)
            }
            defer { closedir(stream) }
            while let found = readdir(stream) {
                let name = withUnsafePointer(to: &found.pointee.d_name) { tuple in
                    tuple.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { pointer in
                        Array(UnsafeBufferPointer(start: pointer, count: strlen(pointer) + 1))
                    }
                }
                if name == [0x2e, 0] || name == [0x2e, 0x2e, 0] { continue }
                var status = stat()
                if fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) != 0 { continue }
                let entry = Entry(path: joined(folder, name), status: status)
                switch try visit(entry) {
                case .go: if entry.isFolder { folders.append(entry.path) }
                case .skip: break
                case .end: return
                }
            }
        }
    }

    /// What is at a path, without following a symbolic link; nothing when nothing is there.
    static func entry(at path: String) -> Entry? {
        var status = stat()
        return lstat(path, &status) == 0 ? Entry(path: Array(path.utf8CString), status: status) : nil
    }

    /// A path for people.
    static func text(_ path: [CChar]) -> String {
        String(decoding: path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func joined(_ folder: [CChar], _ name: [CChar]) -> [CChar] {
        folder == [0x2e, 0] ? name : folder.dropLast() + [0x2f] + name
    }
}
