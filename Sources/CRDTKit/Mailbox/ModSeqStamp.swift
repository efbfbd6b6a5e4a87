// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What the modification sequences (RFC 7162 section 3.1.1) of one replica have in common: which replica gave them, and the last ``ModSeqMarks`` that it set.
///
/// The lowest four bits are the replica's stripe. So a value tells where a client got it, and two replicas never tell the same value for different states.
public struct ModSeqStamp: Hashable, Sendable {
    /// How many low bits of a modification sequence name the replica.
    static let tagBits: UInt64 = 4
    static let tagMask: UInt64 = 1 << tagBits - 1

    /// The replica's stripe, below 16.
    public var tag: UInt8
    /// All changes from now on get greater values than this: the time of the replica's last mark; 0 if there is none.
    public var floor: UInt64

    /// Describes a replica.
    ///
    /// - Parameters:
    ///   - tag: the replica's stripe, of which the lowest four bits count; 0 for a node that is alone.
    ///   - floor: the time of the replica's last mark; 0 if there is none.
    public init(tag: UInt8 = 0, floor: UInt64 = 0) {
        self.tag = tag & UInt8(ModSeqStamp.tagMask)
        self.floor = floor
    }

    /// The stripe of the replica that gave a modification sequence.
    ///
    /// - Parameter modSeq: the modification sequence.
    /// - Returns: the stripe.
    public static func tag(of modSeq: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: modSeq & tagMask) }

    /// The least value of this replica that is not below another value, and greater than the floor.
    func value(notBelow least: UInt64) -> UInt64 {
        let least = max(least, floor &+ 1)
        if least >= Mailbox.maximumModSeq - ModSeqStamp.tagMask { return Mailbox.maximumModSeq }
        let value = least & ~ModSeqStamp.tagMask | UInt64(tag)
        return value < least ? value + ModSeqStamp.tagMask + 1 : value
    }
}
