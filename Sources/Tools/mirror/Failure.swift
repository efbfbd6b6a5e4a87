// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import MirrorManager
internal import MirrorWorker
internal import NodeSupport
internal import Storage

/// Why the program ends, as sysexits(3) numbers it; 1 is what tunasynctl ends with when a request failed.
enum Failure: Int32 {
    case refused = 1
    case usage = 64
    case unavailable = 69
    case `internal` = 70
    case cannotCreate = 73
    case temporary = 75
    case configuration = 78

    /// Prints one line to standard error and ends with the code.
    static func report(_ message: String, code: Failure) throws -> Never {
        Console.complain("mirror: \(message)\n")
        throw ExitCode(code.rawValue)
    }

    /// Ends with what an error means; an exit code stays what it is.
    static func exit(with error: any Error) throws -> Never {
        switch error {
        case let error as ExitCode: throw error
        case let error as ControlFailure: try report(error.message, code: .refused)
        case let error as NodeError: try report(error.message, code: code(error.code))
        case let error as WorkerError: try report(error.message, code: code(error.code))
        case let error as StoreError: try report("\(error)", code: .unavailable)
        case let error as StorageError:
            try report(error.message, code: error.code == .locked ? .temporary : .cannotCreate)
        default: try report("\(error)", code: .internal)
        }
    }

    private static func code(_ code: WorkerError.Code) -> Failure {
        switch code {
        case .fenced, .state: .temporary
        case .listen: .unavailable
        }
    }

    private static func code(_ code: NodeError.Code) -> Failure {
        switch code {
        case .addressUnavailable: .unavailable
        case .directoryUnusable, .fileUnwritable: .cannotCreate
        default: .configuration
        }
    }
}

/// Why a request of the control client came to nothing; the text is for the person who asked.
struct ControlFailure: Error, Hashable, CustomStringConvertible {
    let message: String

    init(_ message: String) { self.message = message }

    var description: String { message }
}
