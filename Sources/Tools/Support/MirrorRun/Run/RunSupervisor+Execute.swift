// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import MirrorConfig
internal import SyncJobs

extension RunSupervisor {
    /// Runs the mirror's programs and looks at what they brought, before anybody else sees it where that is possible.
    func execute(
        _ mirror: MirrorSettings, _ context: RunContext, _ progress: @escaping @Sendable (RsyncProgress) -> Void
    ) async throws(RunFailure) {
        let size = try pattern(mirror.sizePattern)
        let failing = try pattern(mirror.failOnMatch)
        let deadline = mirror.timeoutSeconds > 0 ? ContinuousClock.now + .seconds(mirror.timeoutSeconds) : nil
        let folder = context.facts.workFolder ?? mirror.directory
        if mirror.publication == .direct, ResultGuard.isNeeded(mirror.guards) {
            try await rehearse(mirror, context, folder, deadline)
        }
        for arguments in try CommandSteps.all(mirror, destination: folder) {
            let start = context.log?.size ?? 0
            let end = try await runProgram(arguments, mirror, context, folder, deadline, progress)
            context.note { $0.exit = end.status }
            if mirror.provider != .command { try await readReport(context, from: start) }
            if end.isTimedOut { throw timedOut(mirror) }
            guard isAccepted(end.status, mirror) else { throw failure(end.status, mirror, context) }
        }
        try await look(failing, size, context)
        try await judge(mirror, context, folder)
    }

    // MARK: - Programs

    private func runProgram(
        _ arguments: [String], _ mirror: MirrorSettings, _ context: RunContext, _ folder: String,
        _ deadline: ContinuousClock.Instant?, _ progress: @escaping @Sendable (RsyncProgress) -> Void
    ) async throws(RunFailure) -> CommandEnd {
        guard let log = context.log else { throw RunFailure(.permanent, "\(context.name) has no log") }
        let timeout = deadline.map { max(.zero, $0 - .now) }
        let own = RunEnvironment.command(mirror, context.facts, log: log.path)
        if let container = mirror.container {
            let plan = ContainerCommand.plan(
                arguments, environment: own, mirror: mirror, container: container, workFolder: folder, log: log.path,
                inherited: settings.environment)
            return try await runContained(plan, container, context, timeout, progress, mirror)
        }
        let plan = LaunchPlan(
            arguments: arguments, environment: settings.environment.merging(own) { $1 }, folder: folder)
        guard let parent = mirror.limits.cgroup else {
            return try await follow(mirror, context, progress) { () async throws(RunFailure) in
                try await self.launch(plan, context, timeout: timeout, holdsLock: true)
            }
        }
        let group = try ControlGroup(mirror.limits, parent: parent, name: "kuiper-\(context.mark.text)")
        context.cgroup = group.path
        let limited = try group.enclosing(plan)
        let result: Result<CommandEnd, RunFailure>
        do throws(RunFailure) {
            result = .success(
                try await follow(mirror, context, progress) { () async throws(RunFailure) in
                    try await self.launch(limited, context, timeout: timeout, holdsLock: true)
                })
        } catch {
            result = .failure(error)
        }
        await ControlGroup.clear(group.path, logger: settings.logger)
        context.cgroup = nil
        return try result.get()
    }

    private func runContained(
        _ plan: LaunchPlan, _ container: ContainerSettings, _ context: RunContext, _ timeout: Duration?,
        _ progress: @escaping @Sendable (RsyncProgress) -> Void, _ mirror: MirrorSettings
    ) async throws(RunFailure) -> CommandEnd {
        let place = RunJournal.Container(
            program: container.program, name: ContainerCommand.name(of: context.name))
        context.container = place
        defer { context.container = nil }
        let end = try await follow(mirror, context, progress) { () async throws(RunFailure) in
            try await self.launch(plan, context, timeout: timeout, holdsLock: true)
        }
        // The client is gone; the container need not be.
        if end.isTimedOut || context.isStopWanted { await stop(place) }
        return end
    }

    private func follow(
        _ mirror: MirrorSettings, _ context: RunContext, _ progress: @escaping @Sendable (RsyncProgress) -> Void,
        _ body: @escaping @Sendable () async throws(RunFailure) -> CommandEnd
    ) async throws(RunFailure) -> CommandEnd {
        guard ProgressFollower.isWanted(mirror), let log = context.log else { return try await body() }
        let interval = settings.progressInterval
        // Made before the command starts, so that it misses nothing.
        let beginning = ProgressFollower(log)
        let result = await withTaskGroup(of: Void.self) { group in
            group.addTask {
                var follower = beginning
                // The end of the command cancels the sleep.
                while (try? await Task.sleep(for: interval)) != nil {
                    if let newest = follower.look() { progress(newest) }
                }
                if let last = follower.look() { progress(last) }
            }
            let result: Result<CommandEnd, RunFailure>
            do throws(RunFailure) {
                result = .success(try await body())
            } catch {
                result = .failure(error)
            }
            group.cancelAll()
            await group.waitForAll()
            return result
        }
        return try result.get()
    }

    private func isAccepted(_ end: ProgramEnd, _ mirror: MirrorSettings) -> Bool {
        guard case .exited(let code) = end else { return false }
        return code == 0 || mirror.successExitCodes.contains(code)
    }

    private func failure(_ end: ProgramEnd, _ mirror: MirrorSettings, _ context: RunContext) -> RunFailure {
        guard mirror.provider != .command else { return RunFailure(end.failureClass, end.text) }
        let complaints = context.facts.complaints
        return RunFailure(
            RsyncExitCode.failureClass(end, complaints: complaints),
            RsyncExitCode.message(end, complaints: complaints))
    }

    private func timedOut(_ mirror: MirrorSettings) -> RunFailure {
        RunFailure(.transient, "\(mirror.name) timeout after \(GoDuration.text(seconds: mirror.timeoutSeconds))")
    }

    // MARK: - Output

    private func pattern(_ text: String?) throws(RunFailure) -> PatternProgram? {
        guard let text, !text.isEmpty else { return nil }
        return try PatternProgram(text)
    }

    private func readReport(_ context: RunContext, from start: Int64) async throws(RunFailure) {
        guard let log = context.log else { return }
        let report = try await OwnThread.run { () throws(RunFailure) in
            try RsyncReport.read(log.descriptor, start..<max(start, log.size))
        }
        context.note { facts in
            facts.complaints = report.complaints
            facts.size = report.statistics.sizeText ?? facts.size
            facts.bytes = report.statistics.totalBytes ?? facts.bytes
            facts.files = report.statistics.regularFiles ?? report.statistics.files ?? facts.files
            facts.deleted = report.statistics.deletedFiles ?? facts.deleted
        }
    }

    /// Looks for what makes the run a failure, then for the size.
    private func look(
        _ failing: PatternProgram?, _ size: PatternProgram?, _ context: RunContext
    ) async throws(RunFailure) {
        guard failing != nil || size != nil, let log = context.log else { return }
        let start = context.facts.logOffset
        let (failures, found) = try await OwnThread.run { () throws(RunFailure) in
            let range = start..<max(start, log.size)
            let isStopped = { context.isStopWanted }
            let failures = try failing.map { program throws(RunFailure) in
                try PatternScan.run(program, in: log.descriptor, range, isStopped: isStopped).count
            }
            guard failures ?? 0 == 0, let size, size.groupCount > 0 else { return (failures ?? 0, String?.none) }
            return (0, try PatternScan.run(size, in: log.descriptor, range, isStopped: isStopped).lastGroup)
        }
        if failures > 0 { throw RunFailure(.transient, "Fail-on-match regexp found \(failures) matches") }
        if let size, size.groupCount == 0 {
            log.append("mirror: size_pattern has no group (…) that says which part is the size; there is no size")
        }
        guard let found, !found.isEmpty else { return }
        context.note { facts in
            facts.size = found
            facts.bytes = SizeText.bytes(found) ?? facts.bytes
        }
    }

    // MARK: - Guards

    /// Asks rsync what it would do before it does it: a folder that people read has no way back.
    private func rehearse(
        _ mirror: MirrorSettings, _ context: RunContext, _ folder: String, _ deadline: ContinuousClock.Instant?
    ) async throws(RunFailure) {
        guard let arguments = try CommandSteps.rehearsal(mirror, destination: folder), let log = context.log else {
            return
        }
        log.append("mirror: a rehearsal for the guards")
        let start = log.size
        let end = try await runProgram(arguments, mirror, context, folder, deadline) { _ in }
        try await readReport(context, from: start)
        if end.isTimedOut { throw timedOut(mirror) }
        guard isAccepted(end.status, mirror) else { throw failure(end.status, mirror, context) }
        let facts = context.facts
        log.append("mirror: the run itself")
        guard let files = facts.files, let bytes = facts.bytes else { return }
        let published = try await published(mirror, context, folder)
        if files == 0 { throw ResultGuard.empty(mirror) }
        try ResultGuard.check(
            ResultGuard.Evidence(
                result: TreeCount(files: files, bytes: bytes), published: published, deleted: facts.deleted),
            mirror.guards)
    }

    /// What people read now, counted when nobody has before.
    private func published(
        _ mirror: MirrorSettings, _ context: RunContext, _ folder: String
    ) async throws(RunFailure) -> TreeCount? {
        if let known = PublishedResult(directory).read(mirror.name) { return known }
        return try await count(folder, context)
    }

    private func count(_ folder: String, _ context: RunContext) async throws(RunFailure) -> TreeCount? {
        let limit = settings.maximumCountedEntries
        return try await OwnThread.run { () throws(RunFailure) in
            try TreeCount.count(folder, limit: limit) { context.isStopWanted }
        }
    }

    /// Counts the result where that is asked for, and refuses what must not be published.
    private func judge(
        _ mirror: MirrorSettings, _ context: RunContext, _ folder: String
    ) async throws(RunFailure) {
        if mirror.provider != .command || mirror.publication == .atomic {
            let hasFiles = try await OwnThread.run { () throws(RunFailure) in try TreeCount.hasFiles(folder) }
            if !hasFiles { throw ResultGuard.empty(mirror) }
        }
        guard ResultGuard.isNeeded(mirror.guards) || mirror.sizeSource == .files else { return }
        guard let result = try await count(folder, context) else {
            if context.isStopWanted || !ResultGuard.isNeeded(mirror.guards) { return }
            throw RunFailure(
                .refused, "the result has more than \(settings.maximumCountedEntries) entries, too many for guards")
        }
        var deleted: Int64?
        if mirror.publication == .atomic, mirror.guards.maximumDeletePercent != nil {
            let before = mirror.directory
            deleted = try await OwnThread.run { () throws(RunFailure) in
                try TreeCount.missing(from: folder, of: before) { context.isStopWanted }
            }
        }
        let evidence = ResultGuard.Evidence(
            result: result, published: PublishedResult(directory).read(mirror.name), deleted: deleted)
        try ResultGuard.check(evidence, mirror.guards)
        context.note { facts in
            facts.count = result
            facts.files = result.files
            if mirror.sizeSource == .files || facts.size == nil {
                facts.bytes = result.bytes
                facts.size = SizeText.text(bytes: result.bytes)
            }
        }
    }
}
