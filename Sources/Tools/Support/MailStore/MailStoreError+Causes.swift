// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Storage

extension MailStoreError {
    /// What the layers below reported, in the store's words: the one place of this translation.
    init(_ error: any Error) {
        switch error {
        case let error as MailStoreError: self = error
        case let error as CRDTError: self.init(Self.code(error.code), error.message)
        case let error as StorageError: self.init(Self.code(error.code), error.message)
        default: self.init(.unavailable, "\(error)")
        }
    }

    private static func code(_ code: CRDTError.Code) -> Code {
        switch code {
        case .noSuchMailbox: .noSuchMailbox
        case .mailboxExists: .mailboxExists
        case .noSuchMessage: .noSuchMailbox
        case .notPermitted: .notPermitted
        case .limitExceeded: .limitExceeded
        case .malformed, .unsupportedVersion, .undefinedReference, .fork: .corrupt
        default: .unavailable
        }
    }

    private static func code(_ code: StorageError.Code) -> Code {
        switch code {
        case .diskFull: .diskFull
        case .corruptLog, .corruptEngine, .versionTooNew: .corrupt
        case .locked: .locked
        case .closed: .closed
        default: .unavailable
        }
    }
}

extension MailStoreError.Code {
    /// Whether an operator should know: the fault lies with the node, not with the request.
    package var isOperational: Bool {
        switch self {
        case .diskFull, .unavailable, .corrupt, .locked: true
        default: false
        }
    }
}
