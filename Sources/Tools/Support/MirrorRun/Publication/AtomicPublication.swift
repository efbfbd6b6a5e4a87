// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CMirrorRun
internal import Glibc
internal import SyncJobs

/// Two trees of one mirror: the one that people read, and the one that the next result grows in; they change places in one
/// step.
///
/// The second tree is in a hidden folder beside the first, on the same file system. Where the kernel lets two names change
/// places (renameat2(2), RENAME_EXCHANGE) the mirror's folder stays a folder. Elsewhere, such as on NFS, it becomes a
/// symbolic link into the hidden folder, which rename(2) replaces; the first time, and only then, a moment passes without it.
struct AtomicPublication: Sendable {
    /// How the trees change places.
    enum Switch: Hashable, Sendable {
        /// Exchange where the file system can, else symbolic links.
        case automatic
        /// Symbolic links.
        case links
    }

    /// What people read.
    let folder: String
    /// The hidden folder.
    let area: String
    private let way: Switch

    /// The trees of a mirror.
    ///
    /// - Parameters:
    ///   - folder: the mirror's folder. A symbolic link that is not ours is followed first.
    ///   - way: how the trees change places.
    /// - Throws: ``RunFailure`` of class `configuration` when the folder can have no second tree beside it.
    init(_ folder: String, way: Switch = .automatic) throws(RunFailure) {
        var path = Substring(folder)
        while path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
        var place = String(path)
        if let target = Self.link(place), !Self.isOurs(target, of: Self.parts(place).name) {
            guard let resolved = realpath(place, nil) else { throw RunFailure.system("resolve \(place)", errno) }
            place = String(cString: resolved)
            free(resolved)
        }
        let (parent, name) = Self.parts(place)
        guard !name.isEmpty else {
            throw RunFailure(.configuration, "\(folder) cannot be published atomically: it has no folder above it")
        }
        self.folder = place
        area = "\(parent)/\(Self.areaName(name))"
        self.way = way
        var (own, above) = (stat(), stat())
        if stat(place, &own) == 0, stat(parent, &above) == 0, own.st_dev != above.st_dev, Self.link(place) == nil {
            throw RunFailure(
                .configuration,
                "\(place) is a mount point, which nothing can take the place of: let the mirror's folder be one inside it"
            )
        }
    }

    /// The tree that the next result grows in.
    var next: String { "\(area)/next" }

    /// Makes the second tree: what an attempt before has brought, or else a copy of what people read.
    ///
    /// - Parameters:
    ///   - method: how files are copied.
    ///   - isStopped: asked now and then whether to give up.
    /// - Returns: false when it gave up.
    /// - Throws: ``RunFailure`` that says what the system refused.
    func prepare(_ method: TreeCopy.Method, isStopped: @escaping () -> Bool) throws(RunFailure) -> Bool {
        try Folders.make(area, mode: 0o755)
        try clean()
        if isReady { return true }
        try TreeRemoval.remove(next)
        guard try TreeCopy.copy(folder, to: next, method, isStopped: isStopped) else { return false }
        try markReady()
        return true
    }

    /// Lets the second tree take the place of the first, in one step that readers see.
    ///
    /// The first stays until the next run begins: whoever is reading in it may go on.
    ///
    /// - Throws: ``RunFailure`` that says what the system refused; people then read what they read before.
    func publish() throws(RunFailure) {
        guard isReady else { throw RunFailure(.permanent, "\(next) is not there any more and cannot be published") }
        if way == .automatic, Self.link(folder) == nil {
            if kuiper_rename_exchange(next, folder) == 0 { return }
            let code = errno
            guard [EINVAL, ENOSYS, EOPNOTSUPP].contains(code) else {
                throw RunFailure.system("let \(next) take the place of \(folder)", code)
            }
        }
        try publishByLink()
    }

    /// Throws the second tree away, so that the next attempt begins with what people read.
    ///
    /// - Throws: ``RunFailure`` that says what the system refused.
    func discard() throws(RunFailure) {
        _ = unlink(readyMark)
        try TreeRemoval.remove(next)
    }

    // MARK: - The hidden folder

    private static func areaName(_ name: String) -> String { ".kuiper-\(name)" }

    private static func isOurs(_ target: String, of name: String) -> Bool {
        target.hasPrefix("\(areaName(name))/tree-") && !target.dropFirst(areaName(name).count + 1).contains("/")
    }

    private static func parts(_ path: String) -> (parent: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        return (slash == path.startIndex ? "/" : String(path[..<slash]), String(path[path.index(after: slash)...]))
    }

    private static func link(_ path: String) -> String? {
        var text = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &text, text.count - 1)
        guard count >= 0 else { return nil }
        return String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private var readyMark: String { "\(area)/ready" }

    /// Whether the second tree is whole and has not been published: the mark names the very folder that was made.
    private var isReady: Bool {
        var status = stat()
        guard lstat(next, &status) == 0, let bytes = SmallFile.read(readyMark, limit: 64) else { return false }
        return String(decoding: bytes, as: UTF8.self) == String(status.st_ino)
    }

    private func markReady() throws(RunFailure) {
        var status = stat()
        guard lstat(next, &status) == 0 else { throw RunFailure.system("look at \(next)", errno) }
        let descriptor = open(readyMark, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw RunFailure.system("open \(readyMark)", errno) }
        defer { close(descriptor) }
        let code = Descriptors.write(Array(String(status.st_ino).utf8), to: descriptor)
        if code != 0 { throw RunFailure.system("write \(readyMark)", code) }
    }

    /// Removes what is left of switches, also of one that the end of a worker interrupted.
    private func clean() throws(RunFailure) {
        let current = Self.link(folder)
        for name in SmallFile.names(in: area) {
            let path = "\(area)/\(name)"
            if name.hasPrefix("tree-") {
                // A tree that the link names is what people read.
                if current != "\(Self.areaName(Self.parts(folder).name))/\(name)" { try TreeRemoval.remove(path) }
            } else if name.hasPrefix("link-") || name.hasPrefix("old-") {
                if name.hasPrefix("old-"), access(folder, F_OK) != 0 {
                    // The worker died between taking the folder away and putting the link in its place.
                    guard rename(path, folder) == 0 else { throw RunFailure.system("put \(folder) back", errno) }
                } else {
                    try TreeRemoval.remove(path)
                }
            }
        }
        if access(next, F_OK) == 0, !isReady { try discard() }
    }

    private func publishByLink() throws(RunFailure) {
        let (parent, name) = Self.parts(folder)
        let id = String(UInt64.random(in: 0 ... .max), radix: 36)
        let tree = "tree-\(id)"
        let link = "\(area)/link-\(id)"
        guard symlink("\(Self.areaName(name))/\(tree)", link) == 0 else {
            throw RunFailure.system("symlink \(link)", errno)
        }
        guard rename(next, "\(area)/\(tree)") == 0 else { throw RunFailure.system("rename \(next)", errno) }
        if Self.link(folder) == nil {
            guard rename(folder, "\(area)/old-\(id)") == 0 else {
                let code = errno
                _ = rename("\(area)/\(tree)", next)
                throw RunFailure.system("take \(folder) away", code)
            }
        }
        guard rename(link, folder) == 0 else {
            let code = errno
            _ = rename("\(area)/old-\(id)", folder)
            _ = rename("\(area)/\(tree)", next)
            throw RunFailure.system("put \(link) in the place of \(folder)", code)
        }
        _ = unlink(readyMark)
        let descriptor = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw RunFailure.system("open \(parent)", errno) }
        defer { close(descriptor) }
        // The old tree is removed later, so the new name must be on the disk first.
        guard fsync(descriptor) == 0 else { throw RunFailure.system("sync \(parent)", errno) }
    }
}
