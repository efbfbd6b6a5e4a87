// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import NodeSupport
import Testing

@testable import PlutoService

/// Every way to get a configuration wrong: a change to the original-style file, what must be told, and on which line.
@Suite struct ConfigProblemsTests {
    struct Mistake: Sendable, CustomTestStringConvertible {
        /// What is replaced.
        let old: String
        /// The replacement; the line that ends in the mark is where the problem must be.
        let new: String
        /// What the message must hold.
        let told: String
        var severity = ConfigProblem.Severity.error
        var testDescription: String { told }
    }

    static let mark = "# HERE"

    private static let mistakes: [Mistake] = [
        // Numbers of members.
        Mistake(
            old: "[Storage]\n",
            new: "[Replication.Members]\nsubnet1 = [\"storage\", \"us-east-worker-1\"] # HERE\n[Storage]\n",
            told: "[Replication.Members] subnet1 does not have \"eu-west-worker-1\""),
        Mistake(
            old: "[Storage]\n", new: "[Replication.Members]\nsubnet1 = [\"storage\", \"storage\"] # HERE\n[Storage]\n",
            told: "Members.subnet1 has a name twice"),
        Mistake(
            old: "[Storage]\n", new: "[Replication.Members]\nother = [\"storage\"] # HERE\n[Storage]\n",
            told: "numbers the subnet other, which no node is in"),
        // Keys.
        Mistake(
            old: "Greeting = \"Hello.\"", new: "Greting = \"Hello.\" # HERE",
            told: "[IMAP] has no key Greting; did you mean Greeting?"),
        Mistake(
            old: "[Storage]\n", new: "[Storag] # HERE\nName = 1\n[Storage]\n",
            told: "the file has no table Storag"),
        Mistake(
            old: "UserStart = 1\n", new: "UserStart = 1\nUserStop = 10 # HERE\n",
            told: "[Workers.worker-1] has no key UserStop; docs/configuration.md lists the keys"),
        Mistake(
            old: "    [Storage.SyncAddrs.subnet1]\n", new: "    [Storage.SyncAddrs.subnet1]\nPort = 1 # HERE\n",
            told: "[Storage.SyncAddrs.subnet1] has no key Port"),
        Mistake(
            old: "Port = 5432", new: "Port = 5432\nSSLMode = \"disable\" # HERE",
            told: "[Distributor.AuthPostgres] has no key SSLMode"),
        // Types.
        Mistake(
            old: "UserEnd = 10", new: "UserEnd = \"10\" # HERE",
            told: "[Workers.worker-1] UserEnd must be a whole number, not a text; write it without quotes"),
        Mistake(
            old: "UseTLS = true", new: "UseTLS = 1 # HERE", told: "UseTLS must be true or false, not a whole number"),
        Mistake(
            old: "Name = \"storage\"", new: "Name = 7 # HERE", told: "[Storage] Name must be a text, not a whole number"
        ),
        Mistake(
            old: "AuthAdapter = \"AuthPostgres\"",
            new: "AuthAdapter = \"AuthPostgres\"\nFailoverRegions = \"us\" # HERE",
            told: "FailoverRegions must be a list of texts"),
        // Ranges and forms.
        Mistake(old: "Port = 5432", new: "Port = 65536 # HERE", told: "Port is 65536 and must be from 1 to 65535"),
        Mistake(old: "UserStart = 1\n", new: "UserStart = -1 # HERE\n", told: "UserStart is -1 and must be from 0"),
        Mistake(
            old: "HierarchySeparator = \".\"", new: "HierarchySeparator = \"|\" # HERE",
            told: "HierarchySeparator must be \".\" or \"/\""),
        Mistake(
            old: "Greeting = \"Hello.\"", new: "Greeting = \"Hello\\r\\n* BYE\" # HERE", told: "Greeting must be"),
        Mistake(
            old: "ListenMailAddr = \"0.0.0.0:20001\"", new: "ListenMailAddr = \"0.0.0.0\" # HERE",
            told: "the port is missing"),
        Mistake(
            old: "ListenMailAddr = \"0.0.0.0:20001\"", new: "ListenMailAddr = \"0.0.0.0:0\" # HERE",
            told: "ListenMailAddr has port 0"),
        Mistake(
            old: "PublicSyncAddr = \"192.0.2.11:30001\"", new: "PublicSyncAddr = \"0.0.0.0:30001\" # HERE",
            told: "PublicSyncAddr is 0.0.0.0:30001, which means all interfaces"),
        Mistake(
            old: "Name = \"eu-west-worker-1\"", new: "Name = \"eu|worker\" # HERE",
            told: "Name \"eu|worker\" stands in certificates and must be"),
        Mistake(
            old: "Separator = \";\"", new: "Separator = \"\" # HERE", told: "Separator must be 1 to 16 bytes"),
        Mistake(
            old: "AuthAdapter = \"AuthPostgres\"", new: "AuthAdapter = \"AuthPostgrs\" # HERE",
            told: "AuthAdapter \"AuthPostgrs\" is unknown; did you mean AuthPostgres?"),
        Mistake(
            old: "AuthAdapter = \"AuthPostgres\"", new: "AuthAdapter = \"plain\" # HERE",
            told: "AuthAdapter \"plain\" is unknown and taken for AuthFile", severity: .warning),
        Mistake(
            old: "[IMAP]", new: "[Log]\nLevel = \"loud\" # HERE\n[IMAP]", told: "[Log] Level must be one of trace"),
        Mistake(
            old: "[IMAP]", new: "[Replication]\nWindowBytes = 1 # HERE\n[IMAP]", told: "WindowBytes is 1 and must be"),
        Mistake(
            old: "[IMAP]", new: "[Replication]\nUnreachableAfterMilliseconds = 800 # HERE\n[IMAP]",
            told: "must be at least twice PresenceIntervalMilliseconds, which is 500"),
        // What is missing.
        Mistake(
            old: "RootCertLoc = \"private/root-cert.pem\"", new: "# HERE", told: "the file needs RootCertLoc"),
        Mistake(
            old: "[IMAP]", new: "[Distributors.two] # HERE\n[IMAP]",
            told: "[Distributors.two] needs PublicMailAddr and ListenMailAddr"),
        Mistake(
            old: "[Workers.worker-1]\n    Name = \"eu-west-worker-1\"", new: "[Workers.worker-1] # HERE",
            told: "[Workers.worker-1] needs Name"),
        Mistake(
            old: "CertLoc = \"private/internal-storage-cert.pem\"", new: "CertLoc = \"\" # HERE",
            told: "[Storage] CertLoc is empty"),
        Mistake(
            old: "PublicMailAddr = \"192.0.2.11:20001\"\n    ListenMailAddr = \"0.0.0.0:20001\"",
            new: "ListenMailAddr = \"0.0.0.0:20001\" # HERE",
            told: "ListenMailAddr means all interfaces, so it needs PublicMailAddr too"),
        Mistake(
            old: "[Distributor.AuthPostgres]", new: "[Distributor.AuthPostgre] # HERE",
            told: "[Distributor] has no table AuthPostgre"),
        // Contradictions.
        Mistake(
            old: "UserStart = 1\n", new: "UserStart = 15 # HERE\n", told: "UserStart is 15, after UserEnd, which is 10"),
        Mistake(
            old: "UserStart = 11", new: "UserStart = 10 # HERE",
            told: "[Workers.worker-2] has the users 10 to 20, which overlap with 1 to 10 of [Workers.worker-1] on line"),
        Mistake(
            old: "Name = \"eu-west-worker-2\"", new: "Name = \"eu-west-worker-1\" # HERE",
            told: "[Workers.worker-2] has the Name \"eu-west-worker-1\", which [Workers.worker-1] on line"),
        Mistake(
            old: "[Workers.worker-2]",
            new: "[Workers.worker-1.Peers.subnet3] # HERE\nx = \"192.0.2.3:3\"\n[Workers.worker-2]",
            told: "[Workers.worker-1] is in more than one subnet (subnet1, subnet3)"),
        Mistake(
            old: "storage = \"203.0.113.1:31000\"", new: "storage = \"\" # HERE",
            told: "[Workers.worker-1.Peers.subnet1] storage is empty"),
        Mistake(
            old: "storage = \"203.0.113.1:31000\"", new: "storage = \"203.0.113.1\" # HERE",
            told: "storage: \"203.0.113.1\" is not an address"),
        Mistake(
            old: "storage = \"203.0.113.1:31000\"", new: "storage = \"203.0.113.1:31999\" # HERE",
            told: "storage is 203.0.113.1:31999, but [Storage] says on line", severity: .warning),
        Mistake(
            old: "[Storage.Peers.subnet1]",
            new: "[Storage.Peers.subnet3] # HERE\nx = \"192.0.2.9:9\"\n[Storage.Peers.subnet1]",
            told: "Peers names the subnet subnet3, but SyncAddrs does not"),
        Mistake(
            old: "[Storage.SyncAddrs.subnet1]",
            new: "[Storage.SyncAddrs.extra] # HERE\nPublic=\"203.0.113.1:3\"\n[Storage.SyncAddrs.subnet1]",
            told: "SyncAddrs names the subnet extra, but Peers does not"),
        Mistake(
            old: "[Storage.Peers.subnet1]", new: "[Storage.Peers.subnet1] # HERE\nap-worker = \"192.0.2.77:1\"",
            told: "[Storage] has \"ap-worker\" in the subnet subnet1, but [Workers.worker-1] does not list it"),
        Mistake(
            old: "us-east-worker-1 = \"198.51.100.11:30101\"\n",
            new:
                "us-east-worker-1 = \"198.51.100.11:30101\"\neu-west-worker-1 = \"192.0.2.11:30001\" # HERE\n",
            told: "names \"eu-west-worker-1\", which is the node itself"),
        Mistake(
            old: "us-east-worker-1 = \"198.51.100.11:30101\"\n",
            new:
                "us-east-worker-1 = \"198.51.100.11:30101\"\neu-west-distributor = \"192.0.2.1:1\" # HERE\n",
            told: "names \"eu-west-distributor\", which is the distributor [Distributor] and keeps no mail"),
        Mistake(
            old: "us-east-worker-1 = \"198.51.100.11:30101\"\n",
            new: "us-east-worker-1 = \"198.51.100.11:30101\"\nworker-2 = \"192.0.2.1:1\" # HERE\n",
            told:
                "names \"worker-2\", which is the key of a section; peers go by the Name, which is \"eu-west-worker-2\""
        ),
        Mistake(
            old: "us-east-worker-1 = \"198.51.100.11:30101\"\n",
            new:
                "us-east-worker-1 = \"198.51.100.11:30101\"\neu-west-worker-2 = \"192.0.2.1:1\" # HERE\n",
            told: "names \"eu-west-worker-2\", but [Workers.worker-2] is not in the subnet subnet1"),
        Mistake(
            old: "AuthAdapter = \"AuthPostgres\"",
            new: "AuthAdapter = \"AuthPostgres\"\nFailoverRegions = [\"moon\"] # HERE",
            told: "FailoverRegions names \"moon\", which no worker is in"),
        Mistake(
            old: "Name = \"eu-west-distributor\"", new: "Name = \"eu-west-distributor\"\nRegion = \"mars\" # HERE",
            told: "[Distributor] has no worker in the region mars", severity: .warning),
        Mistake(
            old: "CertLoc = \"private/internal-eu-west-worker-2-cert.pem\"",
            new: "CertLoc = \"private/internal-eu-west-worker-1-cert.pem\" # HERE",
            told: "[Workers.worker-2] CertLoc is /etc/pluto/private/internal-eu-west-worker-1-cert.pem, which is"),
        Mistake(
            old: "ListenSyncAddr = \"0.0.0.0:30001\"", new: "ListenSyncAddr = \"192.0.2.11:20001\" # HERE",
            told:
                "[Workers.worker-1] ListenSyncAddr is 192.0.2.11:20001, which [Workers.worker-1] ListenMailAddr on line"
        ),
        Mistake(
            old: "PublicMailAddr = \"192.0.2.12:20002\"", new: "PublicMailAddr = \"192.0.2.11:20001\" # HERE",
            told:
                "[Workers.worker-2] PublicMailAddr is 192.0.2.11:20001, which [Workers.worker-1] PublicMailAddr on line"
        ),
        Mistake(
            old: "Password = \"sesame\"", new: "Password = \"sesame\"\nPasswordFile = \"p\" # HERE",
            told: "has Password and PasswordFile; keep one"),
        Mistake(
            old: "UseTLS = true", new: "UseTLS = false\nRootCertLoc = \"p\" # HERE",
            told: "RootCertLoc is given, but UseTLS is not true"),
        Mistake(
            old: "AuthAdapter = \"AuthPostgres\"",
            new: "AuthAdapter = \"AuthPostgres\"\nProxySources = [\"10.0.0.0/8\"] # HERE",
            told: "ProxySources is given, but ProxyProtocol is not true"),
        Mistake(
            old: "AuthAdapter = \"AuthPostgres\"",
            new: "AuthAdapter = \"AuthPostgres\"\nProxyProtocol = true\nProxySources = [\"10.0.0.0/33\"] # HERE",
            told: "ProxySources holds \"10.0.0.0/33\", which is neither an IP address nor a network"),
        Mistake(
            old: "AuthAdapter = \"AuthPostgres\"", new: "AuthAdapter = \"AuthPostgres\"\nProxyProtocol = true # HERE",
            told: "ProxyProtocol is true without ProxySources", severity: .warning),
        // Syntax.
        Mistake(old: "UserStart = 11", new: "UserStart = = 11 # HERE", told: "this is not TOML: "),
        Mistake(
            old: "Name = \"storage\"", new: "Name = \"storage\"\nName = \"other\" # HERE", told: "this is not TOML: "),
    ]

    @Test(arguments: mistakes) func tellsWhatIsWrongAndWhere(mistake: Mistake) throws {
        let original = OriginalStyle.text
        try #require(original.contains(mistake.old), "the fixture has no \(mistake.old)")
        let text = original.replacing(mistake.old, with: mistake.new, maxReplacements: 1)
        let (configuration, problems) = ClusterConfiguration.examine(Array(text.utf8), file: "/etc/pluto/config.toml")
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let told = problems.filter { $0.message.contains(mistake.told) }
        #expect(told.count == 1, "\(problems.map(\.description))")
        #expect(told.first?.severity == mistake.severity)
        if let line = lines.firstIndex(where: { $0.contains(Self.mark) }) {
            #expect(told.first?.line == line + 1, "\(problems.map(\.description))")
        }
        #expect((configuration == nil) == (mistake.severity == .error))
        #expect(problems.allSatisfy { !$0.message.contains("sesame") })
        #expect(problems.allSatisfy { !$0.message.contains("\n") })
    }

    @Test func tellsSeveralProblemsAtOnceInTheOrderOfLines() {
        let text = OriginalStyle.text
            .replacing("Greeting =", with: "Greting =")
            .replacing("UserEnd = 10", with: "UserEnd = \"10\"")
            .replacing("HierarchySeparator = \".\"", with: "HierarchySeparator = \"\"")
            .replacing("ListenMailAddr = \"0.0.0.0:21000\"", with: "ListenMailAddr = \"0.0.0.0:0\"")
        let problems = ClusterConfiguration.examine(Array(text.utf8), file: "c.toml").problems
        #expect(problems.count == 4, "\(problems.map(\.description))")
        #expect(problems.map(\.line) == problems.map(\.line).sorted())
        #expect(problems.first?.description == "c.toml:4: error: [IMAP] has no key Greting; did you mean Greeting?")
    }

    @Test func workersOfOneSubnetHaveOneRange() {
        let text = OriginalStyle.text.replacing("subnet2", with: "subnet1", maxReplacements: 1)
        let problems = ClusterConfiguration.examine(Array(text.utf8), file: "c.toml").problems
        #expect(
            problems.contains {
                $0.message.contains("of the same subnet subnet1 has 1 to 10 on line") && $0.severity == .error
            }, "\(problems.map(\.description))")
    }

    @Test func aKeyThatIsAnothersNameIsDoubtful() {
        let text = OriginalStyle.text.replacing("Workers.worker-2", with: "Workers.eu-west-worker-1")
        let problems = ClusterConfiguration.examine(Array(text.utf8), file: "c.toml").problems
        #expect(problems.map(\.severity) == [.warning])
        #expect(
            problems.first?.message.hasPrefix(
                "[Workers.eu-west-worker-1]: \"eu-west-worker-1\" is also the Name of [Workers.worker-1]") == true)
    }

    @Test func anEmptyFileNamesNoNode() {
        let problems = ClusterConfiguration.examine([], file: "c.toml").problems
        #expect(
            problems.map(\.description) == [
                "c.toml:1: error: the file needs RootCertLoc",
                "c.toml:1: error: the file names no node; it needs [Distributor], [Workers.<key>] or [Storage]",
            ])
    }

    @Test func aMissingFileIsAnErrorOfItsOwn() {
        let error = #expect(throws: NodeError.self) { try ClusterConfiguration.examine(path: "/nonexistent/c.toml") }
        #expect(error?.code == .fileMissing)
    }
}
