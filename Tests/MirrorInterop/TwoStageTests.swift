// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Dispatch
internal import Glibc
internal import LiveTestSupport
internal import MirrorWire
internal import SyncJobs
internal import Synchronization
internal import Testing

extension Live {
    /// The order in which a mirror of packages gets its files.
    @Suite("Two stages") struct TwoStages {
        private let folder: TemporaryDirectory

        init() throws { folder = try TemporaryDirectory("mirror") }

        /// While the mirror is synced again and again, whoever reads it never finds an index that names a file that is not there yet.
        @Test func anIndexNeverRefersToAFileThatIsNotThere() async throws {
            let upstream = try await RsyncServer(in: folder, modules: ["debian"])
            try publish(upstream, generation: 0)
            let site = try MirrorSite(
                in: folder,
                mirrors: [
                    """
                    name = "debian"
                    provider = "two-stage-rsync"
                    stage1_profile = "debian"
                    upstream = "\(upstream.address("debian"))"
                    rsync_options = ["--bwlimit=4000"]
                    """
                ])
            let watcher = IndexWatcher(folder: site.content("debian"))
            watcher.start()
            try await site.start()
            for generation in 1...4 {
                let run = try await site.waitForRuns(generation, of: "debian")
                #expect(run.state == .success, "\(run) \(site.report)")
                try publish(upstream, generation: generation)
                try await site.command(.start, "debian")
            }
            let run = try await site.waitForRuns(5, of: "debian")
            #expect(run.state == .success, "\(run)")
            let seen = watcher.stop()
            #expect(seen.violations == [])
            #expect(seen.checks > 0)
            #expect(seen.generations.contains(4), "\(seen.generations)")
            #expect(try SampleTree.differences(upstream.folder("debian"), site.content("debian")) == [])
            try site.stop()
        }

        /// A generation has its own pool files, keeps those of the one before, and an index that names both.
        private func publish(_ upstream: RsyncServer, generation: Int) throws {
            for number in 0..<300 {
                try upstream.write(
                    "debian", "pool/main/g\(generation)/p\(number).deb",
                    SampleTree.noise(2_000, seed: UInt64(generation * 1_000 + number + 1)))
            }
            let kept = [generation - 1, generation].filter { $0 >= 0 }
            let names = kept.flatMap { kept in (0..<300).map { "pool/main/g\(kept)/p\($0).deb" } }
            let index = "generation \(generation)\n" + names.joined(separator: "\n") + "\n"
            try upstream.write("debian", "dists/stable/main/binary-amd64/Packages", Array(index.utf8))
            try upstream.write("debian", "dists/stable/Release", Array("generation \(generation)\n".utf8))
            if generation >= 2 {
                for number in 0..<300 {
                    try Files.delete(upstream.folder("debian") + "/pool/main/g\(generation - 2)/p\(number).deb")
                }
            }
        }
    }
}

/// Reads a mirror's index over and over, as clients do, and looks for every file that it names.
private final class IndexWatcher: Sendable {
    struct Findings: Sendable {
        var checks = 0
        var generations: Set<Int> = []
        var violations: [String] = []
    }

    private let folder: String
    private let isStopped = Atomic<Bool>(false)
    private let findings = Mutex(Findings())
    private let done = DispatchSemaphore(value: 0)
    private let queue = DispatchQueue(label: "index watcher")

    init(folder: String) { self.folder = folder }

    func start() {
        queue.async { [self] in
            while !isStopped.load(ordering: .acquiring) { check() }
            done.signal()
        }
    }

    func stop() -> Findings {
        isStopped.store(true, ordering: .releasing)
        done.wait()
        return findings.withLock { $0 }
    }

    private func check() {
        let path = folder + "/dists/stable/main/binary-amd64/Packages"
        // Before the first sync there is none.
        guard let bytes = try? Files.read(path) else {
            poll(nil, 0, 5)
            return
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        let missing = lines.dropFirst().filter { access("\(folder)/\($0)", F_OK) != 0 }
        // A newer index may have taken its place meanwhile, and its stage has deleted what the old one named.
        let isCurrent = (try? Files.read(path)) == bytes
        findings.withLock { findings in
            findings.checks += 1
            if let number = lines.first?.split(separator: " ").last.flatMap({ Int($0) }) {
                findings.generations.insert(number)
            }
            if isCurrent, !missing.isEmpty {
                findings.violations.append("\(lines.first ?? ""): \(missing.count) missing, such as \(missing[0])")
            }
        }
    }
}
