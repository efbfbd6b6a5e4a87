// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import ArgumentParser
internal import MailStore
internal import NodeSupport
internal import PlutoService

/// Why the program ends, as sysexits(3) numbers it.
enum Failure: Int32 {
    case usage = 64
    case data = 65
    case unavailable = 69
    case `internal` = 70
    case cannotCreate = 73
    case inUse = 75
    case configuration = 78

    /// Prints one line to standard error and ends with the code.
    static func report(_ message: String, code: Failure) throws -> Never {
        Console.complain("pluto: \(message)\n")
        throw ExitCode(code.rawValue)
    }

    /// Ends with what an error means; an exit code stays what it is.
    static func exit(with error: any Error) throws -> Never {
        if let exit = error as? ExitCode { throw exit }
        let (code, message) = of(error)
        try report(message, code: code)
    }

    /// The code for an error of the libraries.
    static func of(_ error: any Error) -> (Failure, String) {
        switch error {
        case let error as NodeError: (code(error.code), error.message)
        case let error as MailStoreError: (code(error.code), error.message)
        default: (.internal, "\(error)")
        }
    }

    private static func code(_ code: NodeError.Code) -> Failure {
        switch code {
        case .addressUnavailable, .statusUnusable, .controlUnusable, .processUnstartable: .unavailable
        case .controlRefused, .nodeUnknown, .demoImpossible, .argumentsUnusable: .usage
        case .directoryUnusable, .fileUnwritable: .cannotCreate
        default: .configuration
        }
    }

    private static func code(_ code: MailStoreError.Code) -> Failure {
        switch code {
        case .locked: .inUse
        case .corrupt: .data
        case .diskFull, .unavailable: .cannotCreate
        default: .internal
        }
    }
}
