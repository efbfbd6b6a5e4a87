// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Foundation
import LiveTestSupport
import NodeSupport
import SyncJobs
import TestSupport
import Testing

@testable import MirrorConfig

/// The configuration of a whole site.
@Suite struct WorkerFixtureTests {
    private static let path = Bundle.module.bundleURL.appending(path: "Fixtures/worker.conf").path

    private func read() throws -> WorkerConfiguration {
        let (configuration, problems) = WorkerConfigReader.read(path: Self.path)
        return try #require(configuration, "\(problems.map(\.description).joined(separator: "\n"))")
    }

    private func mirror(_ name: String) throws -> MirrorSettings {
        try #require(try read().settings.mirrors.first { $0.name.text == name })
    }

    @Test func isReadWholeWithFewWords() throws {
        let (configuration, problems) = WorkerConfigReader.read(path: Self.path)
        let settings = try #require(configuration?.settings)
        #expect(settings.mirrors.count == 82)
        #expect(configuration?.files.count == 5)
        #expect(settings.name == "rack1")
        #expect(settings.concurrent == 12)
        #expect(settings.upstreamLimits == ["rsync.debian.example": 2, "ftp.kernel.example": 1, "git.example": 3])
        #expect(settings.upstreamDefault == 4)
        #expect(
            settings.managers == [
                ManagerAddress(baseURL: "https://manager.mirrors.example:14242")
            ])
        #expect(settings.log.format == .systemd)
        #expect(settings.stateDirectory == "/data/state")
        #expect(settings.advertisedURL == "http://rack1.mirrors.example:6000/")
        // The password stands in a file that a check-out makes readable for everybody.
        let told = problems.map { "\($0.severity) \($0.message)" }.filter { !$0.contains("password is a secret") }
        #expect(told.count == 1 && told[0].hasPrefix("note global.concurrent takes the place"), "\(told)")
    }

    @Test func inheritsAcrossThreeLevels() throws {
        let ubuntu = try mirror("ubuntu")
        #expect(ubuntu.provider == .twoStageRsync)
        #expect(ubuntu.upstream == "rsync://archive.ubuntu.example/ubuntu/")
        #expect(ubuntu.directory == "/data/ubuntu/archive")
        #expect(ubuntu.hooks.onSuccess == ["/srv/hooks/purge.sh", "/srv/hooks/ubuntu.sh"])
        #expect(ubuntu.guards.maximumShrinkPercent == 20)
        #expect(ubuntu.rsync.family == .version4)
        let releases = try mirror("ubuntu-releases")
        #expect(releases.provider == .rsync)
        #expect(releases.rsync.family == .any)
        #expect(releases.rsync.stage1 == nil)
        #expect(releases.guards.minimumFiles == nil && releases.guards.maximumShrinkPercent == nil)
        #expect(releases.guards.maximumDeletePercent == 30)
        #expect(try mirror("ubuntu-cdimage").rsync.family == .version6)
    }

    @Test func mixesCommandsContainersAndRsync() throws {
        let pypi = try mirror("pypi")
        #expect(pypi.provider == .command && pypi.directory == "/data/mirrors/languages/pypi")
        #expect(pypi.container?.volumes.count == 3)
        #expect(pypi.container?.options == ["--pull", "never"])
        #expect(pypi.limits.memoryBytes == 4 << 30)
        #expect(pypi.limits.cgroup == "mirror")
        #expect(pypi.job.timing.trigger == .interval(milliseconds: 300_000))
        #expect(pypi.job.retry.attempts == 3 && pypi.timeoutSeconds == 7200)
        let gems = try mirror("rubygems")
        #expect(gems.environment == ["LANG": "C.UTF-8", "CONCURRENCY": "2", "GEM_HOME": "/tmp/gems"])
        #expect(try mirror("npmmirror").environment["CONCURRENCY"] == "8")
        let cran = try mirror("CRAN")
        #expect(cran.provider == .rsync && cran.container == nil && cran.limits.memoryBytes == nil)
        #expect(cran.rsync.ioTimeoutSeconds == nil)
        #expect(cran.rsync.globalOptions == ["--no-specials", "--no-devices"])
        #expect(cran.successExitCodes == [23, 24, 100])
        #expect(try mirror("CTAN").directory == "/data/tex/CTAN")
        #expect(try mirror("kernel").limits.cpuMillis == 1500)
        #expect(try mirror("debian-ports").rsync.excludeFile?.hasSuffix("/Fixtures/exclude/ports.txt") == true)
    }

    @Test func tellsTheOriginOfEveryValue() throws {
        let configuration = try read()
        let gems = try #require(configuration.settings.mirrors.first { $0.name.text == "rubygems" })
        let settings = configuration.effectiveSettings(of: gems)
        func origin(_ key: String) -> String? {
            settings.first { $0.key == key }?.places.map { String($0.description.split(separator: "/").last ?? "") }
                .joined(separator: " ")
        }
        #expect(origin("interval") == "languages.conf:33")
        #expect(origin("env.LANG") == "languages.conf:13")
        #expect(origin("env.CONCURRENCY") == "languages.conf:36")
        #expect(origin("log_dir") == "worker.conf:4")
        #expect(origin("docker_volumes") == "worker.conf:34 languages.conf:5")
        #expect(origin("publish") == "")
    }

    @Test func tenThousandMirrorsAreReadAndCompared() throws {
        let folder = try ConfigFolder()
        var text = ConfigFolder.base
        for number in 0..<10_000 {
            text += "[[mirrors]]\nname = \"m\(number)\"\nupstream = \"rsync://h\(number % 100)/m/\"\n"
        }
        let outcome = try folder.worker(text)
        let configuration = try #require(outcome.configuration)
        #expect(configuration.settings.mirrors.count == 10_000)
        #expect(outcome.told.isEmpty)
        #expect(ReloadPlan(old: configuration, new: configuration).isEmpty)
    }

    // MARK: Damage

    /// All files of the fixture, so that damaged ones have their neighbours.
    private func copy(worker bytes: [UInt8], into folder: ConfigFolder) throws -> String {
        let source = Bundle.module.bundleURL.appending(path: "Fixtures").path
        for sub in ["mirrors.d", "conf.d", "exclude"] {
            try Files.makeDirectory(folder.path + "/" + sub)
            for name in Files.names(in: source + "/" + sub) {
                try Files.write(folder.path + "/\(sub)/\(name)", try Files.read(source + "/\(sub)/\(name)"))
            }
        }
        try folder.write("worker.conf", bytes, mode: 0o600)
        return folder.path + "/worker.conf"
    }

    /// Reads what is damaged: it must end, and either give settings or tell an error.
    private func check(_ path: String, _ label: String) {
        let (configuration, problems) = WorkerConfigReader.read(path: path)
        let hasErrors = problems.contains { $0.severity == .error }
        #expect((configuration == nil) == hasErrors, "\(label)")
        #expect(problems.allSatisfy { $0.line >= 1 && !$0.message.isEmpty && !$0.message.contains("\n") }, "\(label)")
    }

    @Test func anyTruncationEndsInSettingsOrErrors() throws {
        let bytes = try Files.read(Self.path)
        let folder = try ConfigFolder()
        for length in stride(from: 0, through: bytes.count, by: 100) {
            check(try copy(worker: Array(bytes[..<length]), into: folder), "the first \(length) bytes")
        }
    }

    @Test(arguments: 0..<60 as Range<UInt64>) func anyDamageEndsInSettingsOrErrors(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var bytes = try Files.read(Self.path)
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
        switch seed % 4 {
        case 0:
            for _ in 0..<Int.random(in: 1...20, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
        case 1:
            // Lines in another order are mostly still TOML, and mean something else.
            bytes = Array(lines.shuffled(using: &generator).joined(separator: [0x0A]))
        case 2:
            var kept = lines
            for _ in 0..<10 { kept.remove(at: Int.random(in: 0..<kept.count, using: &generator)) }
            bytes = Array(kept.joined(separator: [0x0A]))
        default:
            // Values of other types at every key of some lines.
            let values = [
                "0", "-1", "true", "\"\"", "[]", "{}", "1.5", "[1, \"x\"]", "9223372036854775807", "2020-01-01",
            ]
            var changed = lines
            for _ in 0..<8 {
                let number = Int.random(in: 0..<changed.count, using: &generator)
                guard let equals = changed[number].firstIndex(of: UInt8(ascii: "=")) else { continue }
                changed[number] =
                    changed[number][...equals] + Array((values.randomElement(using: &generator) ?? "0").utf8)
            }
            bytes = Array(changed.joined(separator: [0x0A]))
        }
        check(try copy(worker: bytes, into: try ConfigFolder()), "seed \(seed)")
    }
}
