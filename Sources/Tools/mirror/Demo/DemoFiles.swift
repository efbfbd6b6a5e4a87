// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import MirrorWire
internal import NodeSupport

/// The files of the demo: content for the rsync server, and the configurations of all processes.
struct DemoFiles {
    /// The ports of the demo.
    struct Ports {
        var manager: Int
        var worker: Int
        var rsync: Int
    }

    /// The folder that holds everything, absolute.
    let directory: String
    let ports: Ports

    /// A path inside.
    func path(_ name: String) -> String { directory + "/" + name }

    /// Writes what is missing of the content, and all configurations.
    func write() throws(NodeError) {
        for name in ["upstream/debian", "upstream/releases", "upstream/docs", "mirrors", "logs", "state", "log"] {
            try DataDirectory.create(path(name))
        }
        try writeContent()
        try put("rsyncd.conf", rsyncd)
        try put("manager.conf", manager)
        try put("worker.conf", worker)
        try put("move-on", moveOn, isProgram: true)
        try put("talk", talk, isProgram: true)
    }

    // MARK: Content

    private func writeContent() throws(NodeError) {
        // The content of an earlier demo is as good.
        guard access(path("upstream/docs/index.html"), F_OK) != 0 else { return }
        var packages: [String] = []
        for number in 0..<400 {
            let name = "pool/main/\(Self.letter(number))/package-\(number)_1.0_all.deb"
            try put("upstream/debian/" + name, Self.filling(4_000 + number * 20, seed: UInt64(number)))
            packages.append("Package: package-\(number)\nFilename: \(name)\n")
        }
        let index = packages.joined(separator: "\n")
        try put("upstream/debian/dists/stable/main/binary-all/Packages", index)
        try put("upstream/debian/dists/stable/Release", "Suite: stable\nDescription: sample packages\n")
        for number in 1...6 {
            try put("upstream/releases/image-\(number).iso", Self.filling(6_000_000, seed: UInt64(1_000 + number)))
        }
        for number in 0..<1_200 {
            try put(
                "upstream/docs/\(number / 50)/page-\(number).html",
                "<!doctype html><title>Page \(number)</title><p>This is page \(number).\n")
        }
        try put("upstream/docs/index.html", "<!doctype html><title>Sample pages</title><p>Sample pages.\n")
    }

    private static func letter(_ number: Int) -> Character {
        Character(Unicode.Scalar(UInt8(ascii: "a") + UInt8(number % 26)))
    }

    /// Bytes that look like compressed ones, the same each time.
    private static func filling(_ count: Int, seed: UInt64) -> [UInt8] {
        var state = (seed &+ 1) &* 0x9E37_79B9_7F4A_7C15
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            withUnsafeBytes(of: state) { bytes.append(contentsOf: $0) }
        }
        return Array(bytes.prefix(count))
    }

    private func put(_ name: String, _ text: String, isProgram: Bool = false) throws(NodeError) {
        try put(name, Array(text.utf8), isProgram: isProgram)
    }

    private func put(_ name: String, _ bytes: [UInt8], isProgram: Bool = false) throws(NodeError) {
        let file = path(name)
        if let end = file.lastIndex(of: "/") { try DataDirectory.create(String(file[..<end])) }
        // Samples need no durability: thousands of small files would take as many syncs.
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, isProgram ? 0o755 : 0o644)
        guard descriptor >= 0 else { throw failure(file) }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw failure(file) }
            rest = rest.dropFirst(count)
        }
    }

    private func failure(_ file: String) -> NodeError {
        .system(.fileUnwritable, "cannot write \(file)", errno: errno, remedy: "give another --directory")
    }

    // MARK: Configurations

    private var rsyncd: String {
        let identity = getuid() == 0 ? "uid = root\ngid = root\n" : ""
        return ["debian", "releases", "docs"].reduce("use chroot = no\nreverse lookup = no\n\(identity)") {
            $0 + "\n[\($1)]\npath = \(path("upstream/\($1)"))\nread only = yes\n"
        }
    }

    private var manager: String {
        """
        # The demo's manager. It listens on loopback only, where it needs no tokens.
        [server]
        addr = "127.0.0.1"
        port = \(ports.manager)
        allow_legacy = true

        [files]
        db_type = "lmdb"
        db_file = \(quoted("manager.db"))

        """
    }

    private var worker: String {
        let upstream = "rsync://127.0.0.1:\(ports.rsync)"
        return """
            # The demo's worker. Change something and say: mirror ctl -p \(ports.manager) reload -w demo
            [global]
            name = "demo"
            mirror_dir = \(quoted("mirrors"))
            log_dir = \(quoted("logs/{{.Name}}"))
            state_dir = \(quoted("state"))
            concurrent = 3
            interval = 5
            retry = 2

            [manager]
            api_base = "http://127.0.0.1:\(ports.manager)"

            [server]
            hostname = "127.0.0.1"
            listen_addr = "127.0.0.1"
            listen_port = \(ports.worker)
            allow_legacy = true

            # Packages first, the index that names them last.
            [[mirrors]]
            name = "debian"
            provider = "two-stage-rsync"
            stage1_profile = "debian"
            upstream = "\(upstream)/debian/"
            rsync_options = ["--info=progress2"]

            # Large files over a slow line: watch the bar.
            [[mirrors]]
            name = "releases"
            upstream = "\(upstream)/releases/"
            interval = 15
            rsync_options = ["--bwlimit=900", "--whole-file", "--ignore-times", "--info=progress2"]

            # Published in one switch, and only if it is not suddenly half as large.
            [[mirrors]]
            name = "docs"
            upstream = "\(upstream)/docs/"
            publish = "atomic"
            interval = 3

            [mirrors.guard]
            min_files = 100
            max_shrink_percent = 50

            # A command with a log to follow.
            [[mirrors]]
            name = "talk"
            provider = "command"
            upstream = "https://example.org/talk/"
            command = \(quoted("talk"))

            # What makes the upstreams change.
            [[mirrors]]
            name = "upstream-moves-on"
            provider = "command"
            upstream = "https://example.org/"
            command = \(quoted("move-on"))
            schedule = "*/2 * * * *"

            # A wrong path: its error says what rsync's exit code means.
            [[mirrors]]
            name = "wrong-path"
            upstream = "\(upstream)/nowhere/"
            interval = 30

            # Only at night: ask why it waits.
            [[mirrors]]
            name = "night-only"
            upstream = "\(upstream)/docs/"
            windows = ["02:00-04:00"]
            timezone = "UTC"

            """
    }

    private var moveOn: String {
        """
        #!/bin/sh
        # New packages and pages at the upstreams, as time goes by.
        set -e
        upstream=\(shellQuoted(path("upstream")))
        number=$(date +%s)
        name=pool/main/n/new-${number}_1.0_all.deb
        mkdir -p "$upstream/debian/pool/main/n"
        head -c 20000 /dev/urandom > "$upstream/debian/$name"
        index="$upstream/debian/dists/stable/main/binary-all/Packages"
        { cat "$index"; printf '\\nPackage: new-%s\\nFilename: %s\\n' "$number" "$name"; } > "$index.new"
        mv "$index.new" "$index"
        echo "<!doctype html><title>News</title><p>It is $(date)." > "$upstream/docs/news.html"
        echo "the upstreams have $name and news"
        """
    }

    private var talk: String {
        """
        #!/bin/sh
        number=0
        while [ $number -lt 90 ]; do
            number=$((number + 1))
            echo "step $number of 90: still at it"
            sleep 1
        done
        echo "Total size is 42 MB"
        """
    }

    /// A path inside as a TOML text: what JSON escapes TOML does too.
    private func quoted(_ name: String) -> String {
        var writer = JSONWriter()
        writer.string(path(name))
        return String(decoding: writer.finish(), as: UTF8.self)
    }

    private func shellQuoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
