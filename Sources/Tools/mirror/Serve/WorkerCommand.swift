// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import Logging
internal import MirrorConfig
internal import MirrorWorker
internal import NodeSupport

struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Run a worker: it runs the mirrors of its configuration file and tells its managers.",
        discussion: """
            tunasync's worker.conf is read as it is. SIGHUP reads the file again (so does `mirror ctl reload`), which \
            disturbs only what changed; a file with an error changes nothing. SIGTERM or Ctrl-C stops all runs and ends \
            the worker within five seconds. The log goes to standard output. docs/mirror-configuration.md has every key.

            Exit codes: 75 a newer process of the same worker took over, or one uses its directory; 78 wrong configuration.
            """,
        aliases: ["w"])

    @Option(
        name: [.short, .long], help: ArgumentHelp("The configuration file.", valueName: "file"), completion: .file())
    var config: String

    @Option(help: .hidden)
    var profPath: String?

    @OptionGroup var options: ServerOptions

    func run() async throws {
        do {
            let (configuration, problems) = try WorkerConfigReader.load(path: config)
            var log = configuration.settings.log
            options.apply(to: &log)
            let logger = ServerLogger.make("worker", log)
            for problem in problems { logger.log(level: problem.severity == .note ? .info : .warning, "\(problem)") }
            if profPath != nil {
                logger.warning("--prof-path has no effect here: /metrics tells what the process uses")
            }
            let services = try options.services()
            let worker = try await MirrorWorker(
                configuration: configuration, path: config, logger: logger, version: MirrorVersion.current)
            // All runs are stopped and reported within five seconds.
            var limits = ProcessLifecycle.Limits()
            limits.graceful = .milliseconds(4_500)
            limits.hard = .seconds(5)
            try await ProcessLifecycle(logger: logger, limits: limits).run(services + [worker])
        } catch {
            try Failure.exit(with: error)
        }
    }
}
