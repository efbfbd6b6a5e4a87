// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The payload of a frame of operations: the format's constants; `docs/frame.md` has the byte table.
///
/// One frame is a run of one origin's operations with contiguous counters. The same bytes are sent, logged and
/// forwarded; nobody encodes them again. The envelope
/// around the payload carries length and checksum.
public enum OperationFrame {
    /// The format that this code writes and reads: the payload's first byte.
    public static let format: UInt8 = 2
    /// The most operations in a frame.
    public static let maximumOperations = 65_536
    /// The most bytes in a payload: a frame with its envelope has 16 MiB.
    public static let maximumBytes = (16 << 20) - FrameEnvelope.headerBytes
    /// The longest name of a mailbox in bytes of UTF-8.
    public static let maximumMailboxNameBytes = 1_024
    /// The most keywords in one set of flags.
    public static let maximumKeywordsPerFlagSet = 256
    /// The highest counter of a well-known mailbox identity; 24 are in use.
    public static let maximumWellKnownCounter: UInt64 = 255

    /// Where an encoder closes a frame: no single operation can take what is left to ``maximumBytes``.
    static let closingBytes = maximumBytes / 2
    /// The largest account number of a stream.
    static let maximumAccountNumber = UInt64(UInt32.max) - 1
    /// Numbers 0 and 1 of a stream's replicas are taken: the well-known identities and the origin itself.
    static let firstDefinedReplica = 2
}

/// The kinds of definitions that a frame makes before its operations.
enum DefinitionKind: UInt8 {
    case account = 1
    case keyword = 2
    case replica = 3
}

extension OperationFrame {
    /// Refuses an opening whose branches are not in order: ascending, lesser than the epoch, each with a UID.
    static func check(_ opening: EpochOpening) throws(CRDTError) {
        let limit = EpochOpening.maximumSettled
        guard opening.settled.count <= limit else {
            throw CRDTError(.limitExceeded, "an epoch settles at most \(limit) branches, got \(opening.settled.count)")
        }
        var last: UIDEpoch?
        for branch in opening.settled {
            let isAscending = last.map { $0 < branch.epoch } ?? true
            guard branch.uid > 0 && isAscending && branch.epoch < opening.epoch else {
                throw CRDTError(.malformed, "the branches that an epoch settles are out of order")
            }
            last = branch.epoch
        }
    }
}

/// The high four bits of an operation's tag byte.
enum OperationTag {
    /// The account is that of the operation before.
    static let sameAccount: UInt8 = 0x10
    /// The mailbox is the one that was named last.
    static let sameMailbox: UInt8 = 0x20
    /// An append carries an assignment; a store removes flags; an epoch settles branches.
    static let extra: UInt8 = 0x40
    /// The operation is later than the one before.
    static let later: UInt8 = 0x80
}

/// The low two bits of a mailbox reference.
enum MailboxForm {
    static let wellKnown: UInt64 = 0
    static let ofOrigin: UInt64 = 1
    static let ofReplica: UInt64 = 2
    static let thisOperation: UInt64 = 3
}

/// The low two bits of a message reference.
enum MessageForm {
    static let nearPrevious: UInt64 = 0
    static let ofOriginBefore: UInt64 = 1
    static let ofReplica: UInt64 = 2
}
