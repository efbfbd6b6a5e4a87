// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// Turns signals into a call on a thread of its own, where everything is allowed.
enum Interrupts {
    /// The end of a pipe that the signal handler writes to; set once, before the handler is installed.
    nonisolated(unsafe) private static var pipeEnd: Int32 = -1

    private final class Handler: Sendable {
        let input: Int32
        let call: @Sendable (Int32) -> Void

        init(input: Int32, call: @escaping @Sendable (Int32) -> Void) { (self.input, self.call) = (input, call) }
    }

    /// Calls back with the number of the first SIGINT, SIGTERM or SIGHUP.
    ///
    /// - Parameter call: called once, on its own thread. Signals that come later do nothing.
    /// - Throws: ``BenchFailure`` when there is no pipe or thread.
    static func handle(_ call: @escaping @Sendable (Int32) -> Void) throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw BenchFailure.system("pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        pipeEnd = ends[1]
        let handler = Unmanaged.passRetained(Handler(input: ends[0], call: call))
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let handler = Unmanaged<Handler>.fromOpaque(argument).takeRetainedValue()
                var number: UInt8 = 0
                while read(handler.input, &number, 1) != 1 {}
                handler.call(Int32(number))
                return nil
            }, handler.toOpaque())
        guard status == 0 else {
            handler.release()
            throw BenchFailure("no thread for interrupts: \(String(cString: strerror(status)))")
        }
        for number in [SIGINT, SIGTERM, SIGHUP] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { number in
                let saved = errno
                var byte = UInt8(truncatingIfNeeded: number)
                _ = write(Interrupts.pipeEnd, &byte, 1)
                errno = saved
            }
            // A call that the signal meets goes on: the process ends anyway, in order.
            action.sa_flags = SA_RESTART
            guard sigaction(number, &action, nil) == 0 else { throw BenchFailure.system("sigaction") }
        }
    }
}

extension BenchFailure {
    /// The failure of a system call.
    ///
    /// - Parameter call: its name, with what it was about.
    /// - Returns: a failure that says what `errno` says.
    public static func system(_ call: String) -> BenchFailure {
        BenchFailure("\(call): \(String(cString: strerror(errno)))")
    }
}
