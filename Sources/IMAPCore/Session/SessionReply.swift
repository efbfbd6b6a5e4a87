// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What the shell answers to a ``SessionRequest``.
public enum SessionReply: Hashable, Sendable {
    /// The credentials are right.
    case authenticated
    /// The credentials are wrong.
    case authenticationFailed
    /// The credentials could not be checked for now, with the reason for the user.
    case authenticationUnavailable(String)
    /// All mailboxes and subscriptions.
    case mailboxes(MailboxCatalog)
    /// The request was carried out.
    case done
    /// The request was not carried out and has changed nothing.
    case refused(Refusal)
    /// The counts that were asked for.
    case status(MailboxStatus)
    /// The mailbox is open.
    case selected(SelectedMailbox)
    /// The upload can begin.
    case appendReady
    /// The last chunk of the upload was taken; answers ``SessionDirective/appendData(_:)``.
    case appendDataAccepted
    /// The message is durable. The identifier is nil when it is not known yet.
    case appended(uidValidity: UIDValidity, uid: UID?)
    /// All FETCH responses have been written.
    case fetched(FetchOutcome)
    /// The flags are changed.
    case stored(StoreOutcome)
    /// The messages are copied.
    case copied(CopyOutcome)
    /// The messages are moved: copied and, in one step, removed here.
    case moved(CopyOutcome)
    /// The messages with these identifiers are removed.
    case expunged([UID])
    /// These messages match.
    case found(SearchOutcome)
}

/// Why the shell did not carry out a request: it becomes a tagged NO.
public struct Refusal: Hashable, Sendable {
    /// The machine-readable part (RFC 5530), if there is one.
    public let code: ResponseCode?
    /// The reason, for a person.
    public let text: String

    /// Makes a refusal.
    ///
    /// - Parameters:
    ///   - code: the machine-readable part, or nil.
    ///   - text: the reason, for a person.
    public init(code: ResponseCode? = nil, text: String) {
        self.code = code
        self.text = text
    }
}

/// How a FETCH went.
public struct FetchOutcome: Hashable, Sendable {
    /// The messages that another session has removed, so that no response could be written.
    public let missingUIDs: [UID]

    /// Makes an outcome.
    ///
    /// - Parameter missingUIDs: the messages that were gone.
    public init(missingUIDs: [UID] = []) {
        self.missingUIDs = missingUIDs
    }
}

/// The flags of one message.
public struct MessageFlags: Hashable, Sendable {
    /// The message.
    public let uid: UID
    /// All its flags, without `\Recent`.
    public let flags: [Flag]
    /// The modification sequence that goes with them.
    public let modSequence: ModSequence

    /// Makes the flags of one message.
    ///
    /// - Parameters:
    ///   - uid: the message.
    ///   - flags: all its flags.
    ///   - modSequence: the modification sequence that goes with them.
    public init(uid: UID, flags: [Flag], modSequence: ModSequence) {
        self.uid = uid
        self.flags = flags
        self.modSequence = modSequence
    }
}

/// How a STORE went.
public struct StoreOutcome: Hashable, Sendable {
    /// The flags that the messages have now.
    public let flags: [MessageFlags]
    /// The messages that have changed since the condition's modification sequence and were left alone, as they are now; in the
    /// order of the request.
    public let modified: [MessageFlags]
    /// The messages that another session has removed.
    public let missingUIDs: [UID]

    /// Makes an outcome.
    ///
    /// - Parameters:
    ///   - flags: the flags that the messages have now.
    ///   - modified: the messages that failed the condition, as they are now.
    ///   - missingUIDs: the messages that were gone.
    public init(flags: [MessageFlags], modified: [MessageFlags] = [], missingUIDs: [UID] = []) {
        self.flags = flags
        self.modified = modified
        self.missingUIDs = missingUIDs
    }
}

/// How a SEARCH went.
public struct SearchOutcome: Hashable, Sendable {
    /// A message that matches.
    public struct Match: Hashable, Sendable {
        /// The message.
        public let uid: UID
        /// Its modification sequence.
        public let modSequence: ModSequence

        /// Makes a match.
        ///
        /// - Parameters:
        ///   - uid: the message.
        ///   - modSequence: its modification sequence.
        public init(uid: UID, modSequence: ModSequence) {
            self.uid = uid
            self.modSequence = modSequence
        }
    }

    /// The messages that match, in any order, each once.
    public let matches: [Match]

    /// Makes an outcome.
    ///
    /// - Parameter matches: the messages that match.
    public init(matches: [Match]) {
        self.matches = matches
    }
}

/// How a COPY or MOVE went; the two lists correspond element by element (RFC 4315 section 3).
public struct CopyOutcome: Hashable, Sendable {
    /// The generation of the identifiers in the destination.
    public let uidValidity: UIDValidity
    /// The messages that were copied, in their order.
    public let sourceUIDs: [UID]
    /// Their new identifiers; empty when they are not known yet, then no COPYUID is sent.
    public let destinationUIDs: [UID]
    /// The messages that another session has removed before they could be copied.
    public let missingUIDs: [UID]

    /// Makes an outcome.
    ///
    /// - Parameters:
    ///   - uidValidity: the generation of the identifiers in the destination.
    ///   - sourceUIDs: the messages that were copied.
    ///   - destinationUIDs: their new identifiers.
    ///   - missingUIDs: the messages that were gone.
    public init(uidValidity: UIDValidity, sourceUIDs: [UID], destinationUIDs: [UID], missingUIDs: [UID] = []) {
        self.uidValidity = uidValidity
        self.sourceUIDs = sourceUIDs
        self.destinationUIDs = destinationUIDs
        self.missingUIDs = missingUIDs
    }
}
