// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import LiveTestSupport
import NodeSupport
import SyncJobs
import Testing

@testable import MirrorConfig

/// Files that include files, and secrets in files.
@Suite struct IncludeTests {
    private let folder: ConfigFolder

    init() throws { folder = try ConfigFolder() }

    private func mirror(_ name: String, _ more: String = "") -> String {
        "[[mirrors]]\nname = \"\(name)\"\nupstream = \"rsync://h/\(name)/\"\n\(more)\n"
    }

    @Test func filesOfMirrorsAreReadInTheOrderOfTheirNames() throws {
        try folder.write("d/b.conf", mirror("b"))
        try folder.write("d/a.conf", mirror("a1") + mirror("a2"))
        try folder.write("d/ignored.txt", "this is [ not TOML")
        let outcome = try folder.mirrors("[include]\ninclude_mirrors = \"d/*.conf\"\n" + mirror("first"))
        #expect(outcome.told.isEmpty)
        #expect(outcome.configuration?.settings.mirrors.map(\.name.text) == ["first", "a1", "a2", "b"])
        #expect(try outcome.origin("upstream", of: "b") == ["d/b.conf:3"])
        #expect(
            outcome.configuration?.files.map { $0.replacing(folder.path + "/", with: "") }
                == ["worker.conf", "d/a.conf", "d/b.conf"])
    }

    @Test func wholeFilesMayHoldEverySection() throws {
        try folder.write(
            "conf.d/10.conf",
            "[global]\nconcurrent = 9\n[docker]\nenable = true\n[limits.upstream]\nh = 1\n" + mirror("a"))
        try folder.write("conf.d/20.conf", "[limits.upstream]\ni = 2\n[server]\nlisten_port = 1234\n" + mirror("b"))
        let text = "include = [\"conf.d/*.conf\"]\n" + ConfigFolder.base + mirror("m", "docker_image = \"i\"")
        let outcome = try folder.worker(text)
        let settings = try #require(outcome.configuration?.settings, "\(outcome.told)")
        #expect(settings.concurrent == 9)
        #expect(settings.upstreamLimits == ["h": 1, "i": 2])
        #expect(settings.server.port == 1234)
        #expect(settings.mirrors.map(\.name.text) == ["m", "a", "b"])
        #expect(try outcome.mirror().container != nil)
        #expect(outcome.configuration?.origins["concurrent"]?.first?.description == folder.path + "/conf.d/10.conf:2")
        #expect(
            outcome.told == ["conf.d/10.conf:2: note: global.concurrent takes the place of the one in worker.conf:6"])
    }

    @Test func includedFilesIncludeFurtherOnesRelativeToThemselves() throws {
        try folder.write("a/one.conf", "include = \"two.conf\"\n[include_nothing]\n")
        try folder.write("a/two.conf", "[include]\ninclude_mirrors = \"m/*.conf\"\n")
        try folder.write("a/m/x.conf", mirror("x", "mirror_dir = \"data\""))
        let outcome = try folder.worker("include = \"a/one.conf\"\n" + ConfigFolder.base)
        #expect(try outcome.mirror("x").directory == folder.path + "/a/m/data")
        #expect(
            outcome.told == [
                "a/one.conf:2: warning: the file has no table include_nothing; docs/mirror-configuration.md lists the keys",
                "a/m/x.conf:4: warning: mirror_dir is relative; it begins in the directory of this file (tunasync took the "
                    + "working directory)",
            ])
    }

    @Test func circlesEnd() throws {
        try folder.write("a.conf", "include = \"worker.conf\"\n")
        let outcome = try folder.worker("include = \"a.conf\"\n" + ConfigFolder.base)
        #expect(outcome.configuration != nil)
        #expect(outcome.told.contains { $0.contains("which is read already") })
    }

    @Test func depthIsBounded() throws {
        for depth in 0..<12 { try folder.write("\(depth).conf", "include = \"\(depth + 1).conf\"\n") }
        try folder.write("12.conf", "")
        let outcome = try folder.worker("include = \"0.conf\"\n" + ConfigFolder.base)
        #expect(outcome.configuration == nil)
        #expect(outcome.told.contains { $0.contains("files include each other more than 8 deep") })
    }

    @Test func oneBrokenFileMakesTheWholeUnusable() throws {
        try folder.write("d/a.conf", mirror("a"))
        try folder.write("d/b.conf", "\n[[mirrors]]\nname = \n")
        let outcome = try folder.mirrors("[include]\ninclude_mirrors = \"d/*\"\n")
        #expect(outcome.configuration == nil)
        #expect(outcome.told.count == 1)
        #expect(outcome.told[0].hasPrefix("d/b.conf:3: error: this is not TOML"))
    }

    @Test func problemsOfIncludedFilesNameThem() throws {
        try folder.write("d/a.conf", mirror("a", "intervall = 3") + "[global]\nname = \"z\"\n")
        try folder.write("d/b.conf", "x = 1\n")
        let outcome = try folder.mirrors("[include]\ninclude_mirrors = \"d/*.conf\"\nincldue = 1\n")
        #expect(
            outcome.told
                == [
                    "worker.conf:14: warning: [include] has no key incldue; docs/mirror-configuration.md lists the keys",
                    "d/a.conf:4: warning: [[mirrors]] has no key intervall; did you mean interval?",
                    "d/a.conf:5: warning: global is not read here: files of include_mirrors hold [[mirrors]] only; include the "
                        + "file with include = [...] instead",
                    "d/b.conf:1: warning: there is no [[mirrors]] in this file of mirrors",
                    "d/b.conf:1: warning: x is not read here: files of include_mirrors hold [[mirrors]] only; include the file "
                        + "with include = [...] instead",
                ].sorted { left, right in
                    func rank(_ text: String) -> Int { text.hasPrefix("worker") ? 0 : text.hasPrefix("d/a") ? 1 : 2 }
                    return rank(left) < rank(right)
                })
    }

    @Test func aPatternThatNamesNothingIsDoubtful() throws {
        let outcome = try folder.mirrors("[include]\ninclude_mirrors = \"none/*.conf\"\n")
        #expect(outcome.configuration != nil)
        #expect(outcome.told.contains("worker.conf:13: warning: no file is named by none/*.conf"))
    }

    // MARK: Secrets

    @Test func secretsComeFromFiles() throws {
        try folder.write("secret/pw", "hush\nmore\n", mode: 0o600)
        try folder.write("secret/token", "0123456789abcdef0123\n", mode: 0o600)
        let base = ConfigFolder.base.replacing("[manager]", with: "[manager]\ntoken_file = \"secret/token\"")
        let outcome = try folder.worker(base + mirror("m", "username = \"u\"\npassword_file = \"secret/pw\""))
        #expect(outcome.told.isEmpty)
        #expect(try outcome.mirror().rsync.password?.value == "hush")
        #expect(outcome.configuration?.settings.managers.first?.token?.value == "0123456789abcdef0123")
        #expect(try outcome.origin("password") == ["worker.conf:17"])
    }

    @Test func secretsThatEverybodyMayReadAreRefused() throws {
        try folder.write("pw", "hush\n", mode: 0o644)
        Files.setMode(folder.path + "/pw", 0o644)
        let outcome = try folder.mirrors(mirror("m", "password_file = \"pw\""))
        #expect(outcome.configuration == nil)
        #expect(
            outcome.told == [
                "worker.conf:15: error: [[mirrors]] password_file: everybody on this machine may use pw; run chmod 600 pw"
            ])
    }

    @Test func secretFilesMustBeThereAndHoldSomething() throws {
        try folder.write("empty", "\nsecond line\n", mode: 0o600)
        try folder.write("binary", [0xFF, 0xFE], mode: 0o600)
        for (file, expected) in [
            ("none", "there is no such file"), ("empty", "the first line of empty is empty"),
            ("binary", "is not a text"),
            (".", "not a regular file"),
        ] {
            let outcome = try folder.mirrors(mirror("m", "password_file = \"\(file)\""))
            #expect(outcome.configuration == nil)
            #expect(outcome.told.first?.contains(expected) == true, "\(outcome.told)")
        }
    }

    @Test func aSecretInAFileForEverybodyIsDoubtful() throws {
        let file = try folder.write("open.conf", ConfigFolder.base + mirror("m", "password = \"hush\""), mode: 0o644)
        Files.setMode(file, 0o644)
        let (configuration, problems) = WorkerConfigReader.read(path: file)
        #expect(configuration != nil)
        #expect(problems.count == 1)
        #expect(
            problems.first?.message.contains("password is a secret and everybody on this machine may use the file")
                == true)
        #expect(!problems.contains { $0.message.contains("hush") })
    }
}

extension Files {
    /// Sets a file's mode whatever the process's mask is.
    static func setMode(_ path: String, _ mode: mode_t) { #expect(chmod(path, mode) == 0) }
}

extension ConfigFolder {
    func write(_ name: String, _ bytes: [UInt8], mode: mode_t) throws { try directory.write(name, bytes, mode: mode) }
}
