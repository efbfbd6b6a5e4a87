// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import Logging
internal import MirrorConfig
internal import MirrorManager
internal import NodeSupport
internal import ServiceLifecycle

struct ManagerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manager",
        abstract: "Run a manager: it keeps what workers tell, serves the web page and passes commands on.",
        discussion: """
            Without a configuration file it listens on 127.0.0.1:\(ManagerConfiguration.standard.settings.server.port). \
            What is given here wins over the file. SIGTERM or Ctrl-C ends it; SIGHUP reads tokens and certificates \
            again. The log goes to standard output. docs/mirror-configuration.md has every key of the file.
            """,
        aliases: ["m"])

    @Option(
        name: [.short, .long], help: ArgumentHelp("The configuration file.", valueName: "file"), completion: .file())
    var config: String?

    @Option(help: ArgumentHelp("The address to listen on.", valueName: "address"))
    var addr: String?

    @Option(help: "The port to listen on; 0 picks a free one.")
    var port: UInt16?

    @Option(
        help: ArgumentHelp("The PEM file with the certificate; with --key.", valueName: "file"), completion: .file())
    var cert: String?

    @Option(
        help: ArgumentHelp("The PEM file with the certificate's key; with --cert.", valueName: "file"),
        completion: .file())
    var key: String?

    @Option(
        help: ArgumentHelp("Where records are kept: a path or an address, as --db-type wants it.", valueName: "where"))
    var dbFile: String?

    @Option(help: ArgumentHelp("What keeps them: lmdb, postgresql, redis or memory.", valueName: "type"))
    var dbType: String?

    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard (cert == nil) == (key == nil) else { throw ValidationError("Give --cert and --key together.") }
    }

    func run() async throws {
        do {
            let (configuration, problems) = try load()
            var settings = configuration.settings
            try override(&settings)
            options.apply(to: &settings.log)
            let logger = ServerLogger.make("manager", settings.log)
            for problem in problems { logger.log(level: problem.severity == .note ? .info : .warning, "\(problem)") }
            try await serve(settings, logger)
        } catch {
            try Failure.exit(with: error)
        }
    }

    private func serve(_ settings: ManagerSettings, _ logger: Logger) async throws {
        let services = try options.services()
        let manager = try await MirrorManager(settings: settings, logger: logger) {
            do throws(NodeError) {
                let (configuration, problems) = try load()
                for problem in problems where problem.severity == .warning { logger.warning("\(problem)") }
                var settings = configuration.settings
                try override(&settings)
                return settings
            } catch {
                logger.error("\(error.message)")
                return nil
            }
        }
        try await ProcessLifecycle(logger: logger).run(services + [manager])
    }

    private func load() throws(NodeError) -> (configuration: ManagerConfiguration, problems: [ConfigProblem]) {
        guard let config else { return (.standard, []) }
        return try ManagerConfigReader.load(path: config)
    }

    private func override(_ settings: inout ManagerSettings) throws(NodeError) {
        if let addr { settings.server.host = addr }
        if let port { settings.server.port = Int(port) }
        if let cert, let key {
            settings.server.certificate = cert
            settings.server.key = key
        }
        settings.database = try settings.database.overridden(type: dbType, file: dbFile)
    }
}
