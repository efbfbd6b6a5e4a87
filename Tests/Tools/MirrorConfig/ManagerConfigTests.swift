// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import LiveTestSupport
import NodeSupport
import Testing

@testable import MirrorConfig

/// The manager's file.
@Suite struct ManagerConfigTests {
    private let folder: ConfigFolder

    init() throws { folder = try ConfigFolder() }

    private func read(_ text: String) throws -> (ManagerConfiguration?, [String]) {
        let file = try folder.write("manager.conf", text)
        let (configuration, problems) = ManagerConfigReader.read(path: file)
        return (configuration, problems.map { $0.description.replacing(folder.path + "/", with: "") })
    }

    private static let legacy = "[server]\nallow_legacy = true\n"

    @Test func anEmptyFileHasTheStandards() throws {
        let (configuration, told) = try read("")
        let settings = try #require(configuration?.settings)
        #expect(settings == ManagerConfiguration.standard.settings)
        #expect(settings.server == ListenSettings(host: "127.0.0.1", port: 14242))
        #expect(settings.isReadingOpen && !settings.allowsLegacy && settings.historyRuns == 100)
        #expect(told.count == 1 && told[0].contains("workers and control clients are refused"))
    }

    @Test func tunasyncsFileIsReadAsItIs() throws {
        let path = try folder.write(
            "manager.conf",
            """
            debug = true
            [server]
            addr = "0.0.0.0"
            port = 12345
            ssl_cert = ""
            ssl_key = ""
            allow_legacy = true
            [files]
            db_type = "bolt"
            db_file = "/var/lib/tunasync/manager.db"
            ca_cert = ""
            status_file = "/tmp/status.json"
            """)
        let (configuration, problems) = ManagerConfigReader.read(path: path)
        let settings = try #require(configuration?.settings)
        #expect(settings.server == ListenSettings(host: "0.0.0.0", port: 12345))
        #expect(settings.database == .lmdb(path: "/var/lib/tunasync/manager.db.lmdb"))
        #expect(settings.log.level == .debug)
        #expect(problems.map(\.severity) == [.note, .warning])
    }

    @Test(
        arguments: [
            ("", .lmdb(path: "/var/lib/kuiper/mirror-manager")),
            ("db_type = \"lmdb\"", .lmdb(path: "/var/lib/kuiper/mirror-manager")),
            ("db_type = \"lmdb\"\ndb_file = \"/x\"", .lmdb(path: "/x")),
            ("db_file = \"/x/y.db\"", .lmdb(path: "/x/y.db.lmdb")),
            ("db_type = \"badger\"", .lmdb(path: "/var/lib/kuiper/mirror-manager")),
            ("db_type = \"leveldb\"\ndb_file = \"/x\"", .lmdb(path: "/x.lmdb")), ("db_type = \"memory\"", .memory),
            (
                "db_type = \"redis\"\ndb_file = \"redis://u:p%40w@h:6379/2\"",
                .redis(url: "redis://u@h:6379/2", password: Secret("p@w"))
            ),
            ("db_type = \"redis\"\ndb_file = \"redis://:pw@h/0\"", .redis(url: "redis://h/0", password: Secret("pw"))),
            (
                "db_type = \"redis\"\ndb_file = \"redis://h/0\"\ndb_password = \"x\"",
                .redis(url: "redis://h/0", password: Secret("x"))
            ),
            (
                "db_type = \"postgresql\"\ndb_file = \"postgresql://u:p@h/d?sslmode=require\"",
                .postgresql("postgresql://u@h/d?sslmode=require", password: Secret("p"))
            ),
            (
                "db_type = \"postgresql\"\ndb_file = \"host=h user='a b' password='c d' dbname=e\"",
                .postgresql("host=h user='a b' dbname=e", password: Secret("c d"))
            ),
            ("db_type = \"postgresql\"\ndb_file = \"host=h dbname=e\"", .postgresql("host=h dbname=e", password: nil)),
        ] as [(String, ManagerSettings.Database)]) func databases(lines: String, expected: ManagerSettings.Database)
        throws
    {
        let (configuration, told) = try read(Self.legacy + "[files]\n" + lines + "\n")
        #expect(configuration?.settings.database == expected, "\(told)")
        #expect(told.allSatisfy { $0.contains(": note: ") }, "\(told)")
    }

    @Test func ourOwnKeys() throws {
        let (configuration, told) = try read(
            """
            [server]
            addr = "::"
            port = 0
            allowed_workers = ["http://10.0.0.1:6000/", "https://w.example"]
            open_reading = false
            [[tokens]]
            name = "ops"
            token = "0123456789abcdef"
            role = "admin"
            [[tokens]]
            name = "push"
            token = "fedcba9876543210"
            role = "trigger"
            scope = ["debian"]
            [[webhooks]]
            url = "https://chat.example/hook?x=1"
            secret = "s3cret"
            states = ["failed", "paused"]
            [mirrorz]
            url = "https://mirrors.example"
            abbr = "EX"
            name = "Example"
            homepage = "https://example"
            issue = "i"
            request = "r"
            email = "e"
            group = "g"
            disk = "d"
            note = "n"
            big = "b"
            [history]
            runs = 7
            [log]
            format = "text"
            level = "error"
            """)
        let settings = try #require(configuration?.settings, "\(told)")
        #expect(told.isEmpty, "\(told)")
        #expect(settings.allowedWorkerURLs == ["http://10.0.0.1:6000", "https://w.example"])
        #expect(!settings.isReadingOpen && settings.historyRuns == 7)
        #expect(settings.tokens.map(\.role) == [.admin, .trigger])
        #expect(settings.tokens.last?.scope == ["debian"])
        #expect(
            settings.webhooks == [
                WebhookSettings(
                    url: "https://chat.example/hook?x=1", secret: Secret("s3cret"), states: ["failed", "paused"])
            ])
        #expect(settings.mirrorZ?.abbreviation == "EX" && settings.mirrorZ?.big == "b" && settings.mirrorZ?.note == "n")
        #expect(settings.log.level == .error)
        #expect(configuration?.origins["server.port"]?.first?.line == 3)
    }

    @Test(arguments: [
        ("[server]\nport = \"1\"", "manager.conf:2: error: [server] port must be a whole number, not a text"),
        ("[server]\naddr = \"a b\"", "manager.conf:2: error: [server] addr is \"a b\"; write an IP address"),
        ("[server]\nallowed_workers = [\"x\"]", "manager.conf:2: error: [server] allowed_workers holds \"x\""),
        (
            "[files]\ndb_type = \"redsi\"",
            "manager.conf:2: error: [files] db_type is \"redsi\"; did you mean \"redis\"?"
        ),
        ("[files]\ndb_type = \"redis\"", "manager.conf:1: error: [files] needs db_file for db_type \"redis\""),
        (
            "[files]\ndb_type = \"redis\"\ndb_file = \"http://h\"",
            "manager.conf:3: error: [files] db_file must be redis://"
        ),
        (
            "[files]\ndb_password = \"x\"",
            "manager.conf:2: warning: [files] db_password has no effect with this db_type"
        ),
        ("[files]\ndb_fiel = \"x\"", "manager.conf:2: warning: [files] has no key db_fiel; did you mean db_file?"),
        ("[[webhooks]]\nurl = \"ftp://x\"", "manager.conf:2: error: [[webhooks]] url is \"ftp://x\"; write http://"),
        ("[[webhooks]]\nurl = \"http://x\"", "manager.conf:1: warning: [[webhooks]] has no secret_file"),
        (
            "[[webhooks]]\nurl = \"http://x\"\nstates = [\"faild\"]",
            "manager.conf:3: error: [[webhooks]] states holds \"faild\"; did you mean \"failed\"?"
        ),
        ("[mirrorz]\nurl = \"x\"", "manager.conf:1: error: [mirrorz] needs abbr"),
        (
            "[[mirrors]]\nname = \"x\"",
            "manager.conf:1: warning: a manager has no [[mirrors]]; is this a worker's file?"
        ),
        (
            "[[tokens]]\nname = \"a\"\ntoken = \"0123456789abcdef\"\nrole = \"read\"\n[[tokens]]\nname = \"a\"\n"
                + "token = \"0123456789abcdef\"\nrole = \"read\"",
            "manager.conf:6: error: [[tokens]] name is taken already at manager.conf:2; give each token its own"
        ),
    ]) func problems(text: String, expected: String) throws {
        let (configuration, told) = try read(text + "\n")
        #expect(told.contains { $0.hasPrefix(expected) }, "\(told)")
        #expect((configuration == nil) == expected.contains(": error: "))
    }

    @Test func includesAndSecretFilesWork() throws {
        try folder.write("conf.d/a.conf", "[[tokens]]\nname = \"a\"\nrole = \"worker\"\ntoken_file = \"t\"\n")
        try folder.write("conf.d/t", "0123456789abcdef\n", mode: 0o600)
        let (configuration, told) = try read("include = \"conf.d/*.conf\"\n")
        #expect(configuration?.settings.tokens.first?.secret.value == "0123456789abcdef", "\(told)")
        #expect(told.isEmpty)
    }
}

/// The files of the control client.
@Suite struct ControlConfigTests {
    private let folder: ConfigFolder

    init() throws { folder = try ConfigFolder() }

    @Test func eachFileOverlaysTheFormer() throws {
        let first = try folder.write("1", "manager_addr = \"a\"\nmanager_port = 1\n")
        let second = try folder.write("2", "manager_port = 2\ntoken = \"t\"\n")
        let third = try folder.write("3", "manager_addr = \"c\"\n")
        let (configuration, problems) = ControlConfig.read(files: [first, folder.path + "/none", second], named: third)
        #expect(problems.isEmpty)
        #expect(configuration?.managerAddress == "c")
        #expect(configuration?.managerPort == 2)
        #expect(configuration?.token?.value == "t")
        #expect(configuration?.files == [first, second, third])
        #expect(try configuration?.manager().baseURL == "http://c:2")
    }

    @Test func theChainIsTunasyncsAndOurs() {
        #expect(
            ControlConfig.standardFiles(home: "/home/u") == [
                "/etc/tunasync/ctl.conf", "/etc/kuiper/mirror-ctl.conf", "/home/u/.config/tunasync/ctl.conf",
                "/home/u/.config/kuiper/mirror-ctl.conf",
            ])
        #expect(ControlConfig.standardFiles(home: nil).count == 2)
    }

    @Test func withoutFilesItIsThisMachine() throws {
        let (configuration, problems) = ControlConfig.read(files: [])
        #expect(problems.isEmpty)
        #expect(try configuration?.manager() == ManagerAddress(baseURL: "http://localhost:14242"))
    }

    @Test(arguments: [
        ("manager_addr = \"::1\"", "http://[::1]:14242"), ("manager_addr = \"https://h\"", "https://h:14242"),
        ("manager_addr = \"https://h:1/\"", "https://h:1"),
        ("manager_addr = \"h\"\nca_cert = \"/ca\"", "https://h:14242"),
        ("manager_addr = \"h\"\nmanager_port = 0", "http://h:14242"), ("manager_addr = \"h:99\"", "http://h:99"),
        ("manager_addr = \"\"", "http://localhost:14242"),
        ("manager_addr = \"https://h/mirrors\"", "https://h/mirrors"),
    ]) func addressesAreMadeWhole(text: String, expected: String) throws {
        let file = try folder.write("c", text + "\n")
        let (configuration, _) = ControlConfig.read(files: [], named: file)
        #expect(try configuration?.manager().baseURL == expected)
    }

    @Test(arguments: [
        ("manager_adr = \"h\"", "c:1: warning: the file has no key manager_adr; did you mean manager_addr?"),
        ("manager_port = \"1\"", "c:1: error: the file manager_port must be a whole number"),
        ("client_cert = \"/c\"", "c:1: error: the file has client_cert but no client_key"),
        ("x", "c:1: error: this is not TOML"),
    ]) func problemsHaveTheirLines(text: String, expected: String) throws {
        let file = try folder.write("c", text + "\n")
        let (_, problems) = ControlConfig.read(files: [file])
        let told = problems.map { $0.description.replacing(folder.path + "/", with: "") }
        #expect(told.contains { $0.hasPrefix(expected) }, "\(told)")
    }

    @Test func theNamedFileMustBeThere() {
        let (configuration, problems) = ControlConfig.read(files: [], named: folder.path + "/none")
        #expect(configuration == nil)
        #expect(problems.count == 1)
        #expect(throws: NodeError.self) { try ControlConfig.load(files: [], named: folder.path + "/none") }
    }

    @Test func nonsenseOfTheCommandLineIsRefused() {
        var configuration = ControlConfig()
        configuration.managerAddress = "a b"
        #expect(throws: NodeError.self) { try configuration.manager() }
        configuration.managerAddress = "a"
        configuration.managerPort = 70_000
        #expect(throws: NodeError.self) { try configuration.manager() }
    }
}
