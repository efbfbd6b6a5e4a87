// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CMirrorRun
internal import Glibc
internal import Logging
internal import SyncJobs

extension RunSupervisor {
    /// How often a stopped container is asked about before it is removed by force, and the wait between two questions.
    static let containerQuestions = 50
    static let containerPause = Duration.milliseconds(200)

    /// Stops a container, and removes it by force when it stays.
    func stop(_ container: RunJournal.Container) async {
        await ask(ContainerCommand.stop(container))
        for _ in 0..<Self.containerQuestions {
            guard let names = await ask(ContainerCommand.list(container)), !names.isEmpty else { return }
            // Cancelled: the worker is in a hurry, so force comes at once.
            do { try await Task.sleep(for: Self.containerPause) } catch { break }
        }
        await remove(container)
    }

    /// Ends and removes a container that may be there from a run before.
    func remove(_ container: RunJournal.Container) async { await ask(ContainerCommand.remove(container)) }

    /// Runs a short command of the containers' client.
    ///
    /// - Returns: what it printed; nothing when it could not be run.
    @discardableResult
    private func ask(_ arguments: [String]) async -> String? {
        do throws(RunFailure) {
            return try await ShortCommand.run(arguments, environment: settings.environment).output
        } catch {
            settings.logger.warning(
                "the containers' client cannot be run: \(error.message)", metadata: ["program": "\(arguments[0])"])
            return nil
        }
    }
}

/// Commands of administration that end by themselves soon: containers, file systems.
enum ShortCommand {
    /// The longest time of such a command.
    static let limit = Duration.seconds(120)
    /// The most that it may print.
    static let outputLimit = 1 << 20

    /// Runs a command to its end.
    ///
    /// - Parameters:
    ///   - arguments: the program and its arguments.
    ///   - environment: the whole environment.
    /// - Returns: how it ended and what it printed.
    /// - Throws: ``RunFailure`` when it cannot be started or takes too long.
    static func run(
        _ arguments: [String], environment: [String: String]
    ) async throws(RunFailure) -> (status: ProgramEnd, output: String) {
        let descriptor = memfd_create("output", 1)
        guard descriptor >= 0 else { throw RunFailure.system("make a file in memory", errno) }
        defer { close(descriptor) }
        let plan = LaunchPlan(arguments: arguments, environment: environment, folder: "/")
        let process = try RunProcess(
            plan, mark: RunMark(), output: descriptor, lock: nil, ending: ProcessEnding())
        let (end, isTimedOut) = await RunSupervisor.wait(for: process, timeout: limit)
        guard case .ended(let status) = end, !isTimedOut else {
            throw RunFailure(.transient, "\(arguments.joined(separator: " ")) did not end in time")
        }
        var bytes = [UInt8](repeating: 0, count: outputLimit)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return (status, String(decoding: bytes[..<max(0, count)], as: UTF8.self))
    }
}
