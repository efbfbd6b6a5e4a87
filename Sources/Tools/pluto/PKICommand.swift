// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import NodeSupport
internal import PlutoService

struct PKICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pki",
        abstract: "Make and renew the certificates that a configuration names.",
        subcommands: [PKIInitCommand.self, PKIRenewCommand.self, PKIPublicCommand.self])

    /// Reads the configuration and does what a command asks for.
    static func run(_ config: String, _ work: (ClusterConfiguration) throws(NodeError) -> PKIReport) throws {
        do throws(NodeError) {
            let (configuration, _) = try ClusterConfiguration.load(path: config)
            Console.say("\(try work(configuration))")
        } catch {
            let (code, message) = Failure.of(error)
            try Failure.report(message, code: code)
        }
    }

    static func check(days: Int, _ name: String) throws {
        guard (1...PKIOptions.maximumDays).contains(days) else {
            throw ValidationError("\(name) must be from 1 to \(PKIOptions.maximumDays) days.")
        }
    }
}

/// Which authority signs.
struct PKIAuthorityOptions: ParsableArguments {
    @Option(help: "The certificate of an authority that you have already; give --root-key too.")
    var rootCert: String?

    @Option(help: "The private key of that authority.")
    var rootKey: String?

    func validate() throws {
        if (rootCert == nil) != (rootKey == nil) {
            throw ValidationError("Give both --root-cert and --root-key, or none.")
        }
    }

    var existing: PKIOptions.ExistingAuthority? {
        guard let rootCert, let rootKey else { return nil }
        return PKIOptions.ExistingAuthority(certificatePath: rootCert, keyPath: rootKey)
    }
}

struct PKIInitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make the cluster's authority and a certificate for each node.",
        discussion: """
            The files go where the configuration says: the authority to RootCertLoc (its key to RootKeyLoc), the nodes' \
            to InternalCertLoc and CertLoc. Directories are made with mode 0700, keys with 0600. Nothing that is there \
            is replaced without --force.
            """)

    @Option(name: [.long, .customLong("config", withSingleDash: true)], help: "The configuration file.")
    var config = "config.toml"

    @OptionGroup var authority: PKIAuthorityOptions

    @Option(help: "How many days the nodes' certificates are valid.")
    var days = 90

    @Option(help: "How many days the authority is valid.")
    var rootDays = 3_650

    @Flag(help: "Replace files that are there.")
    var force = false

    func validate() throws {
        try PKICommand.check(days: days, "--days")
        try PKICommand.check(days: rootDays, "--root-days")
    }

    func run() async throws {
        var options = PKIOptions()
        options.authorityDays = rootDays
        options.leafDays = days
        options.replacesFiles = force
        options.existingAuthority = authority.existing
        try PKICommand.run(config) { configuration throws(NodeError) in
            try ClusterPKI(configuration: configuration, options: options).make()
        }
    }
}

struct PKIRenewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "renew",
        abstract: "Issue new certificates to the nodes; running ones take them without a stop.",
        discussion: """
            Nodes that have no certificate yet get one. With --ca a new authority joins the old one in RootCertLoc; the \
            next renewal signs with it, and the one after that removes the old one. docs/pki.md has the steps.
            """)

    @Option(name: [.long, .customLong("config", withSingleDash: true)], help: "The configuration file.")
    var config = "config.toml"

    @OptionGroup var authority: PKIAuthorityOptions

    @Option(help: "How many days the new certificates are valid.")
    var days = 90

    @Option(help: "Leave certificates alone that are valid for more than this many days.")
    var within: Int?

    @Flag(name: .customLong("ca"), help: "Begin to change the authority.")
    var changesAuthority = false

    @Option(help: "How many days a new authority is valid.")
    var rootDays = 3_650

    func validate() throws {
        try PKICommand.check(days: days, "--days")
        try PKICommand.check(days: rootDays, "--root-days")
        if let within { try PKICommand.check(days: within, "--within") }
        if changesAuthority, authority.existing != nil {
            throw ValidationError("--ca makes an authority; it does not go with --root-cert and --root-key.")
        }
        if changesAuthority, within != nil {
            throw ValidationError("--ca renews all certificates; it does not go with --within.")
        }
    }

    func run() async throws {
        var options = PKIOptions()
        options.authorityDays = rootDays
        options.leafDays = days
        options.endingWithinDays = within
        options.existingAuthority = authority.existing
        try PKICommand.run(config) { configuration throws(NodeError) in
            let pki = ClusterPKI(configuration: configuration, options: options)
            return changesAuthority ? try pki.renewWithNewAuthority() : try pki.renew()
        }
    }
}

struct PKIPublicCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "public",
        abstract: "Make a self-signed certificate for the public side of each distributor, for tests.",
        discussion: """
            It names the host of PublicMailAddr, localhost, 127.0.0.1 and ::1, and goes to PublicCertLoc and \
            PublicKeyLoc. Nothing that is there is replaced without --force.
            """)

    @Option(name: [.long, .customLong("config", withSingleDash: true)], help: "The configuration file.")
    var config = "config.toml"

    @Option(help: "A further host name or address that clients use; may be repeated.")
    var host: [String] = []

    @Option(help: "How many days the certificates are valid.")
    var days = 90

    @Flag(help: "Replace files that are there.")
    var force = false

    func validate() throws { try PKICommand.check(days: days, "--days") }

    func run() async throws {
        var options = PKIOptions()
        options.leafDays = days
        options.replacesFiles = force
        options.publicHosts = host
        try PKICommand.run(config) { configuration throws(NodeError) in
            try ClusterPKI(configuration: configuration, options: options).makePublic()
        }
    }
}
