// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import LiveTestSupport

/// A real `rsync --daemon` on loopback with modules of its own.
final class RsyncServer {
    /// Its port.
    let port: Int
    /// The folder that holds a folder for each module.
    let root: String
    private let process: ChildProcess
    private let log: String

    /// Starts a daemon.
    ///
    /// - Parameters:
    ///   - folder: where its files are made.
    ///   - modules: the names of its modules.
    init(in folder: TemporaryDirectory, modules: [String]) async throws {
        let program = try Tool.path("rsync", package: "rsync")
        root = folder.file("upstream")
        log = folder.file("rsyncd.log")
        port = try FreePort.find(1)[0]
        var configuration = """
            use chroot = no
            log file = \(log)
            reverse lookup = no
            max connections = 0
            """
        for module in modules {
            try Files.makeDirectory("\(root)/\(module)")
            configuration += "\n[\(module)]\npath = \(root)/\(module)\nread only = yes\n"
            // Root's own identity is given up by the daemon unless it is told to keep it.
            if getuid() == 0 { configuration += "uid = root\ngid = root\n" }
        }
        let file = try folder.write("rsyncd.conf", configuration + "\n")
        process = try ChildProcess(
            [program, "--daemon", "--no-detach", "--config=\(file)", "--address=127.0.0.1", "--port=\(port)"],
            errors: log)
        let port = port
        _ = try await Patience.wait(for: "rsync's daemon") { try LiveSocket(port: port) }
    }

    /// The address of a module.
    func address(_ module: String) -> String { "rsync://127.0.0.1:\(port)/\(module)/" }

    /// The folder of a module.
    func folder(_ module: String) -> String { "\(root)/\(module)" }

    /// Writes a file of a module, and the folders above it.
    func write(_ module: String, _ name: String, _ bytes: [UInt8]) throws {
        let path = "\(root)/\(module)/\(name)"
        try Files.makeDirectory(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
        try Files.write(path, bytes, mode: 0o644)
    }

    /// Ends it.
    func stop() throws {
        process.signal(SIGTERM)
        try process.wait()
    }
}

/// Trees of files for upstreams.
enum SampleTree {
    /// So many small files in folders of a hundred, whose content tells their name.
    static func fill(_ server: RsyncServer, _ module: String, files count: Int) throws {
        for number in 0..<count {
            let name = "pool/\(number / 100)/file-\(number).txt"
            try server.write(module, name, Array("file \(number) of \(module)\n".utf8))
        }
    }

    /// All files below a folder, with paths from it.
    static func files(in folder: String, below prefix: String = "") -> [String] {
        var found: [String] = []
        for name in Files.names(in: folder) {
            let path = "\(folder)/\(name)"
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                found += files(in: path, below: prefix + name + "/")
            } else {
                found.append(prefix + name)
            }
        }
        return found.sorted()
    }

    /// Whether two folders have the same files with the same content.
    static func differences(_ left: String, _ right: String) throws -> [String] {
        let (first, second) = (Set(files(in: left)), Set(files(in: right)))
        var found = first.symmetricDifference(second).sorted()
        for name in first.intersection(second).sorted()
        where try Files.read("\(left)/\(name)") != Files.read("\(right)/\(name)") {
            found.append(name)
        }
        return found
    }

    /// Bytes that do not compress and do not repeat.
    static func noise(_ count: Int, seed: UInt64) -> [UInt8] {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        return (0..<count).map { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return UInt8(truncatingIfNeeded: state)
        }
    }
}
