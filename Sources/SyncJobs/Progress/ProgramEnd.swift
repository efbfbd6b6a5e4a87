// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// How a program ended.
public enum ProgramEnd: Hashable, Sendable {
    /// It ended by itself with this code.
    case exited(Int32)
    /// This signal ended it.
    case signalled(Int32)

    /// The end in words, such as "exit status 5" or "signal: killed", as tunasync tells it.
    public var text: String {
        switch self {
        case .exited(let code): "exit status \(code)"
        case .signalled(let signal): "signal: \(Self.name(ofSignal: signal))"
        }
    }

    /// The kind of failure that such an end of any program is; of rsync ``RsyncExitCode`` knows more.
    public var failureClass: FailureClass {
        switch self {
        case .exited(126), .exited(127): .configuration
        case .exited: .transient
        case .signalled(let signal):
            switch signal {
            // SIGHUP, SIGINT, SIGTERM: somebody ended it.
            case 1, 2, 15: .interrupted
            // SIGXCPU, SIGXFSZ: a limit of the system.
            case 24, 25: .permanent
            default: .transient
            }
        }
    }

    /// What a signal of Linux is called.
    ///
    /// - Parameter signal: its number.
    /// - Returns: words for the usual ones, else the number.
    public static func name(ofSignal signal: Int32) -> String {
        switch signal {
        case 1: "hangup"
        case 2: "interrupt"
        case 3: "quit"
        case 4: "illegal instruction"
        case 5: "trace/breakpoint trap"
        case 6: "aborted"
        case 7: "bus error"
        case 8: "floating point exception"
        case 9: "killed"
        case 10: "user defined signal 1"
        case 11: "segmentation fault"
        case 12: "user defined signal 2"
        case 13: "broken pipe"
        case 14: "alarm clock"
        case 15: "terminated"
        case 24: "CPU time limit exceeded"
        case 25: "file size limit exceeded"
        case 31: "bad system call"
        default: "number \(signal)"
        }
    }
}
