// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// A process of `openssl s_client` that carries one connection's bytes over TLS: an independent implementation of the protocol.
final class TLSTunnel {
    /// The near end, which does not block.
    let descriptor: Int32
    private let pid: pid_t

    /// Connects; a server that cannot be reached or believed shows as the end of the connection.
    ///
    /// - Parameters:
    ///   - port: a port of 127.0.0.1.
    ///   - authority: the file of the authority that the server's certificate must come from.
    init(port: Int, authority: String) throws {
        var ends: [Int32] = [0, 0]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw LiveFailure.system("socketpair") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let arguments = [
            "openssl", "s_client", "-quiet", "-verify_quiet", "-verify_return_error", "-CAfile", authority, "-connect",
            "127.0.0.1:\(port)",
        ]
        let pointers = arguments.map { strdup($0) }
        defer { pointers.forEach { free($0) } }
        var child: pid_t = 0
        let status = posix_spawnp(&child, "openssl", &actions, &attributes, pointers + [nil], environ)
        close(ends[1])
        guard status == 0 else {
            close(ends[0])
            throw LiveFailure("cannot start openssl: \(String(cString: strerror(status)))")
        }
        pid = child
        descriptor = ends[0]
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    deinit {
        kill(pid, SIGKILL)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    }
}
