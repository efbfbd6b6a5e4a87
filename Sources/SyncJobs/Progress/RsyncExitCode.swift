// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What an exit code of rsync means (rsync(1), "EXIT VALUES").
public struct RsyncExitCode: Hashable, Sendable {
    /// The code.
    public let code: Int32

    /// Creates a code.
    ///
    /// - Parameter code: what rsync ended with.
    public init(_ code: Int32) { self.code = code }

    /// The codes that rsync documents.
    public static let documented: [Int32] = [
        0, 1, 2, 3, 4, 5, 6, 10, 11, 12, 13, 14, 15, 16, 19, 20, 21, 22, 23, 24, 25, 30, 35,
    ]

    /// Its meaning; nothing when rsync documents none.
    public var text: String? {
        switch code {
        case 0: "success"
        case 1: "syntax or usage error"
        case 2: "protocol incompatibility"
        case 3: "errors selecting input or output files or directories"
        case 4: "requested action not supported"
        case 5: "error starting the client-server protocol"
        case 6: "the daemon cannot append to its log file"
        case 10: "error in socket input or output"
        case 11: "error in file input or output"
        case 12: "error in the rsync protocol data stream"
        case 13: "errors with program diagnostics"
        case 14: "error in inter-process communication"
        case 15: "a sibling process crashed"
        case 16: "a sibling process was ended by a signal"
        case 19: "received SIGUSR1"
        case 20: "received SIGINT, SIGTERM or SIGHUP"
        case 21: "error waiting for a child process"
        case 22: "error allocating memory"
        case 23: "partial transfer due to an error"
        case 24: "partial transfer due to vanished source files"
        case 25: "the limit of --max-delete stopped deletions"
        case 30: "time-out in sending or receiving data"
        case 35: "time-out waiting for a connection to the daemon"
        default: nil
        }
    }

    /// The kind of failure, as far as the code alone tells.
    public var failureClass: FailureClass {
        switch code {
        case 1, 4, 126, 127: .configuration
        case 2, 3, 6, 11, 13, 14, 22: .permanent
        case 19, 20: .interrupted
        case 25: .refused
        default: .transient
        }
    }

    /// The kind of failure, as the code and rsync's complaints tell it.
    ///
    /// A daemon that is busy, one that does not know the module, and one that refuses the password all bring about code 5; a wrong path and a file that could not be read both code 23.
    ///
    /// - Parameter complaints: lines of rsync (``RsyncOutputReader/complaints``).
    /// - Returns: the kind.
    public func failureClass(complaints: [String]) -> FailureClass {
        let lines = complaints.map { $0.lowercased() }
        func says(_ texts: String...) -> Bool { lines.contains { line in texts.contains { line.contains($0) } } }
        switch code {
        case 5:
            return says("unknown module", "auth failed", "access denied", "password file", "chroot failed")
                ? .permanent : .transient
        case 10:
            return says("name or service not known", "no address associated") ? .permanent : .transient
        case 11, 12, 23:
            if says("no space left on device", "disk quota exceeded", "read-only file system") { return .permanent }
            if code == 23, says("change_dir", "link_stat", "permission denied") { return .permanent }
            return failureClass
        default:
            return failureClass
        }
    }

    /// A message for people: how rsync ended, what that means, and its first complaint.
    ///
    /// - Parameters:
    ///   - end: how it ended.
    ///   - complaints: lines of rsync (``RsyncOutputReader/complaints``).
    /// - Returns: such as "exit status 5: error starting the client-server protocol (@ERROR: Unknown module 'x')".
    public static func message(_ end: ProgramEnd, complaints: [String] = []) -> String {
        var message = end.text
        if case .exited(let code) = end, let text = RsyncExitCode(code).text { message += ": \(text)" }
        let telling = complaints.first { !$0.hasPrefix("rsync error:") } ?? complaints.first
        if let telling { message += " (\(telling))" }
        return message
    }

    /// The kind of failure that an end of rsync is.
    ///
    /// - Parameters:
    ///   - end: how it ended.
    ///   - complaints: lines of rsync (``RsyncOutputReader/complaints``).
    /// - Returns: the kind.
    public static func failureClass(_ end: ProgramEnd, complaints: [String] = []) -> FailureClass {
        switch end {
        case .exited(let code): RsyncExitCode(code).failureClass(complaints: complaints)
        case .signalled: end.failureClass
        }
    }
}
