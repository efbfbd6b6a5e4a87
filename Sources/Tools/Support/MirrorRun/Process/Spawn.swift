// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CMirrorRun
internal import Glibc
internal import SyncJobs

/// Starts programs without a shell in a session and process group of their own.
enum Spawn {
    /// The descriptor under which a child has the lock of its mirror, so that the lock lives as long as any of them.
    static let lockDescriptor: Int32 = 3

    /// Starts a program.
    ///
    /// The child gets no descriptor but its three standard ones and the lock; signals are as a new process expects them.
    ///
    /// - Parameters:
    ///   - plan: what to start.
    ///   - output: where standard output and standard error go.
    ///   - lock: the lock that the child holds too.
    /// - Returns: the child's id, which is that of its group and session too.
    /// - Throws: ``RunFailure`` whose message begins with `fork/exec`, as tunasync's does.
    static func start(_ plan: LaunchPlan, output: Int32, lock: Int32? = nil) throws(RunFailure) -> pid_t {
        let program = try find(plan.arguments.first ?? "", plan)
        if let text = (plan.arguments + [program, plan.folder]).first(where: { $0.utf8.contains(0) }) {
            throw RunFailure(.configuration, "fork/exec \(program): a NUL byte in \(text.debugDescription)")
        }
        var pid = pid_t()
        let code = withActions(folder: plan.folder, output: output, lock: lock) { actions, attributes in
            withPointers(plan.arguments) { arguments in
                withPointers(plan.environment.map { "\($0.key)=\($0.value)" }) { environment in
                    posix_spawn(&pid, program, actions, attributes, arguments, environment)
                }
            }
        }
        guard code == 0 else { throw refused(program, code, plan) }
        return pid
    }

    /// Finds a program as execvp(3) does, on the PATH that the child will have.
    static func find(_ name: String, _ plan: LaunchPlan) throws(RunFailure) -> String {
        guard !name.isEmpty else { throw RunFailure(.configuration, "fork/exec: no program is named") }
        if name.contains("/") {
            guard name.hasPrefix("/") else { return plan.folder + "/" + name }
            return name
        }
        let path = plan.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        for folder in path.split(separator: ":", omittingEmptySubsequences: false) {
            let candidate = folder.isEmpty ? plan.folder + "/" + name : "\(folder)/\(name)"
            var status = stat()
            if stat(candidate, &status) == 0, status.st_mode & S_IFMT == S_IFREG, access(candidate, X_OK) == 0 {
                return candidate
            }
        }
        throw RunFailure(
            .configuration, "fork/exec \(name): no such file or directory: it is not on the PATH \(path)")
    }

    private static func refused(_ program: String, _ code: Int32, _ plan: LaunchPlan) -> RunFailure {
        var text = "fork/exec \(program): \(SystemText.error(code))"
        if code == ENOENT, access(plan.folder, X_OK) != 0 { text += " (the folder \(plan.folder))" }
        switch code {
        case EAGAIN, ENOMEM, EMFILE, ENFILE, ETXTBSY: return RunFailure(.transient, text)
        default: return RunFailure(.configuration, text)
        }
    }

    private static func withActions(
        folder: String, output: Int32, lock: Int32?,
        _ body: (UnsafePointer<posix_spawn_file_actions_t>, UnsafePointer<posix_spawnattr_t>) -> Int32
    ) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var code = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        if code == 0 { code = posix_spawn_file_actions_adddup2(&actions, output, 1) }
        if code == 0 { code = posix_spawn_file_actions_adddup2(&actions, output, 2) }
        if code == 0, let lock { code = posix_spawn_file_actions_adddup2(&actions, lock, lockDescriptor) }
        if code == 0 {
            code = posix_spawn_file_actions_addclosefrom_np(&actions, lock == nil ? lockDescriptor : lockDescriptor + 1)
        }
        if code == 0 { code = posix_spawn_file_actions_addchdir_np(&actions, folder) }
        guard code == 0 else { return code }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        sigfillset(&all)
        // No process may change these two.
        sigdelset(&all, SIGKILL)
        sigdelset(&all, SIGSTOP)
        posix_spawnattr_setsigdefault(&attributes, &all)
        let flags = Int32(kuiper_spawn_setsid) | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))
        return body(&actions, &attributes)
    }

    private static func withPointers(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Int32
    ) -> Int32 {
        let pointers = strings.map { strdup($0) }
        defer { pointers.forEach { free($0) } }
        return body(pointers + [nil])
    }
}
