// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import NodeSupport
import SyncJobs
import Testing

@testable import MirrorConfig

/// The sections of a worker.
@Suite struct WorkerSectionTests {
    @Test(
        arguments: [
            ("[global]", "[global]\nstate_dir = \"/s\"", "state_dir", #""/s""#),
            ("", "", "state_dir", #""/var/lib/kuiper/mirror/w""#),
            ("concurrent = 2", "concurrent = 77", "concurrent", "77"),
            ("concurrent = 2", "", "concurrent", "3"), ("concurrent = 2", "concurrent = 0", "concurrent", "3"),
            ("http://127.0.0.1:14242", "https://m.example/", "manager.api_base_list", #"["https://m.example"]"#),
            (
                "http://127.0.0.1:14242\"", "http://a:1\"\napi_base_list = [\"http://b:2\", \"http://c:3/x/\"]",
                "manager.api_base_list", #"["http://b:2", "http://c:3/x"]"#
            ),
            ("[manager]", "[manager]\ntoken = \"t\"", "manager.token", "(secret)"),
            ("[manager]", "[manager]\nca_cert = \"/ca.pem\"", "manager.ca_cert", #""/ca.pem""#),
            (
                "[manager]", "[manager]\nclient_cert = \"/c.pem\"\nclient_key = \"/k.pem\"", "manager.client_cert",
                #""/c.pem""#
            ),
            ("", "", "server.listen_port", "6000"), ("", "", "server.listen_addr", #""0.0.0.0""#),
            (
                "[server]", "[server]\nlisten_addr = \"127.0.0.1\"\nlisten_port = 7000", "server.listen_addr",
                #""127.0.0.1""#
            ),
            ("[server]", "[server]\nlisten_port = 7000", "server.listen_port", "7000"),
            ("", "", "server.hostname", #""w.example""#),
            ("", "", "server.advertised_url", #""http://w.example:6000/""#),
            (
                "[server]", "[server]\nlisten_port = 7000\nssl_cert = \"/c\"\nssl_key = \"/k\"",
                "server.advertised_url",
                #""https://w.example:7000/""#
            ),
            ("\"w.example\"", "\"::1\"", "server.advertised_url", #""http://[::1]:6000/""#),
            (
                "[server]", "[server]\nadvertised_url = \"https://proxy.example/w\"", "server.advertised_url",
                #""https://proxy.example/w/""#
            ),
            ("[server]", "[server]\nlisten_port = 0", "server.advertised_url", nil),
            ("", "", "server.allow_legacy", "true"), ("allow_legacy = true", "", "server.allow_legacy", "false"),
            (
                "[server]", "[server]\nssl_cert = \"/c\"\nssl_key = \"/k\"\nclient_ca = \"ca\"", "server.ssl_key",
                #""/k""#
            ),
            ("[global]", "[log]\nformat = \"json\"\nlevel = \"debug\"\n[global]", "log.format", #""json""#),
            ("[global]", "[log]\nformat = \"json\"\nlevel = \"debug\"\n[global]", "log.level", #""debug""#),
            ("[global]", "[limits]\nupstream = { \"H.example\" = 3 }\n[global]", "limits.upstream.h.example", "3"),
            ("[global]", "[limits]\nupstream_default = 3\n[global]", "limits.upstream_default", "3"),
            (
                "[global]",
                "[[tokens]]\nname = \"m\"\ntoken = \"0123456789abcdef\"\nrole = \"operate\"\nscope = [\"a\"]\n[global]",
                "tokens.m.role", #""operate""#
            ),
            (
                "[global]",
                "[[tokens]]\nname = \"m\"\ntoken = \"0123456789abcdef\"\nrole = \"operate\"\nscope = [\"a\"]\n[global]",
                "tokens.m.scope", #"["a"]"#
            ),
        ] as [(String, String, String, String?)]) func keysHold(
            old: String, new: String, key: String, expected: String?
        ) throws
    {
        let text = old.isEmpty ? ConfigFolder.base : ConfigFolder.base.replacing(old, with: new)
        let outcome = try ConfigFolder().worker(text)
        let configuration = try #require(outcome.configuration, "\(outcome.told)")
        let found = configuration.effectiveSettings.first { $0.key == key }
        #expect(found?.value.description == expected)
        if !new.isEmpty, new != "concurrent = 0", key != "server.advertised_url", found != nil,
            new.contains(key.split(separator: ".").last ?? "?")
        {
            #expect(found?.places.isEmpty == false, "\(key) has no origin")
        }
    }

    @Test(arguments: [
        ("name = \"w\"", "", "worker.conf:1: error: [global] needs name"),
        ("name = \"w\"", "name = \"a/b\"", "worker.conf:2: error: [global] name is \"a/b\" and cannot be"),
        (
            "[manager]\napi_base = \"http://127.0.0.1:14242\"", "",
            "worker.conf:1: warning: the file has no [manager], so nobody is told how mirrors are"
        ),
        ("api_base = \"http://127.0.0.1:14242\"", "", "worker.conf:7: warning: [manager] has no api_base"),
        (
            "http://127.0.0.1:14242", "localhost:14242",
            "worker.conf:8: error: [manager] \"localhost:14242\" is no address of a manager"
        ),
        (
            "http://127.0.0.1:14242\"", "http://a:1\"\napi_base_list = [\"http://b:2\"]",
            "worker.conf:8: warning: [manager] api_base is not used, because api_base_list is there too; remove it"
        ),
        (
            "http://127.0.0.1:14242\"", "x\"\napi_base_list = [\"http://b:2\", \"http://b:2/\"]",
            "worker.conf:9: warning: [manager] http://b:2 is there twice; the second is not used"
        ),
        (
            "[server]", "[server]\nssl_cert = \"/c\"",
            "worker.conf:9: error: [server] has ssl_cert but no ssl_key; both are needed for TLS"
        ),
        ("[server]", "[server]\nclient_ca = \"/c\"", "worker.conf:9: error: [server] has client_ca but no ssl_cert"),
        (
            "[server]", "[server]\nlisten_port = 65536",
            "worker.conf:10: error: [server] listen_port is 65536 and must be from 0 to 65535"
        ),
        ("\"w.example\"", "\"a b\"", "worker.conf:10: error: [server] hostname is \"a b\", which is no host"),
        ("hostname = \"w.example\"", "", "worker.conf:9: note: [server] has no hostname, so managers are told"),
        (
            "allow_legacy = true", "",
            "worker.conf:9: note: commands of tunasync's managers, which know no tokens, are refused"
        ),
        ("concurrent = 2", "", "worker.conf:1: note: [global] has no concurrent, so 3 mirrors run at one time"),
        ("concurrent = 2", "concurrent = 0", "worker.conf:5: warning: [global] concurrent is 0"),
        ("[global]", "[globl]\n[global]", "worker.conf:1: warning: the file has no table globl"),
        (
            "[global]", "[cgroup]\nbase_path = \"/sys\"\n[global]",
            "worker.conf:2: warning: [cgroup] base_path has no effect"
        ),
        ("[global]", "[zfs]\nenable = true\n[global]", "worker.conf:1: warning: [zfs] has no zpool"),
        ("[global]", "[stage_profiles.x]\n[global]", "worker.conf:1: warning: [stage_profiles.x] excludes nothing"),
        (
            "[global]", "[stage_profiles.debian]\nexclude = [\"x\"]\n[global]",
            "worker.conf:1: note: [stage_profiles.debian] takes the place of the profile of that name that is built in"
        ),
        ("[global]", "[[tokens]]\n[global]", "worker.conf:1: error: [[tokens]] needs token_file (or token)"),
        (
            "[global]", "[[tokens]]\nname = \"x\"\ntoken = \"0123456789abcdef\"\nrole = \"king\"\n[global]",
            "worker.conf:4: error: [[tokens]] role is \"king\"; it may be"
        ),
        (
            "[global]", "[[tokens]]\nname = \"x\"\ntoken = \"short\"\nrole = \"read\"\n[global]",
            "worker.conf:3: warning: [[tokens]] token is short enough to be guessed"
        ),
        (
            "[global]", "[log]\nlevel = \"notce\"\n[global]",
            "worker.conf:2: error: [log] level is \"notce\"; did you mean \"notice\"?"
        ),
        (
            "[global]", "[docker]\nenable = \"yes\"\n[global]",
            "worker.conf:2: error: [docker] enable must be true or false"
        ),
    ]) func problemsHaveTheirLines(old: String, new: String, expected: String) throws {
        let outcome = try ConfigFolder().worker(ConfigFolder.base.replacing(old, with: new))
        #expect(outcome.told.contains { $0.hasPrefix(expected) }, "\(outcome.told)")
        #expect((outcome.configuration == nil) == outcome.told.contains { $0.contains(": error: ") })
    }

    @Test func aMissingFileAndAnEmptyOneAreTold() throws {
        let (configuration, problems) = WorkerConfigReader.read(path: "/nonexistent/worker.conf")
        #expect(configuration == nil)
        #expect(
            problems.map(\.description) == [
                "/nonexistent/worker.conf:1: error: /nonexistent/worker.conf: there is no such file; check the path"
            ])
        let empty = try ConfigFolder().worker("")
        #expect(empty.configuration == nil)
        #expect(empty.told.contains("worker.conf:1: error: the file needs [global]"))
    }

    @Test func loadingThrowsAllErrorsAndNoWarnings() throws {
        let folder = try ConfigFolder()
        let file = try folder.write(
            "w.conf", ConfigFolder.base + "bogus = 1\n[[mirrors]]\n[[mirrors]]\nname = \"..\"\n")
        let error = #expect(throws: NodeError.self) { try WorkerConfigReader.load(path: file) }
        #expect(error?.code == .configurationInvalid)
        #expect(error?.message.contains("needs name") == true)
        #expect(error?.message.contains("bogus") == false)
    }

    @Test func aBrokenFileGivesNoSettingsAtAll() throws {
        let outcome = try ConfigFolder().mirrors("[[mirrors]]\nname = \"a\"\nupstream = \"rsync://h/a/\"\n[[mirrors]\n")
        #expect(outcome.configuration == nil)
        #expect(outcome.told.count == 1)
        #expect(outcome.told[0].hasPrefix("worker.conf:15: error: this is not TOML"))
    }

    @Test func valuesOfAllMayBeSetBackByAMirror() throws {
        let text = ConfigFolder.base.replacing("interval = 60", with: "interval = 60\ntimeout = 600\nretry = 5")
        let outcome = try ConfigFolder().worker(
            text + "[[mirrors]]\nname = \"m\"\nupstream = \"rsync://h/m/\"\n"
                + "[[mirrors]]\nname = \"n\"\nupstream = \"rsync://h/n/\"\ntimeout = 0\nretry = 0\n")
        #expect(try outcome.mirror("m").timeoutSeconds == 600)
        #expect(try outcome.mirror("m").job.retry.attempts == 5)
        #expect(try outcome.mirror("n").timeoutSeconds == 0)
        #expect(try outcome.mirror("n").job.retry.attempts == 5)
    }
}
