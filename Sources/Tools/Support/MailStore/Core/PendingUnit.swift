// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Storage

/// What happens when a unit of the log is durable, and not before.
struct PendingUnit {
    let ticket: LogTicket
    /// Its number among all units of the process, which goes on when the log is replaced.
    let number: UInt64
    var effects: [Effect]
    /// The octets of its frames.
    let octets: Int
    /// The last operation of each run of operations in it.
    var delivered: [Dot]
    /// The time of the own ones among them, if there are some.
    var ownTime: HybridTimestamp

    enum Effect {
        /// Sessions may see this.
        case notices(MailboxKey, [MailboxNotice], origin: UInt64)
        /// A chunk of an upload lies so many octets behind the unit's start.
        case chunk(upload: UInt64, delta: Int, offset: UInt64, length: Int)
        /// The upload's chunks are the body.
        case body(BodyDigest, upload: UInt64, size: UInt64)
        /// Somebody waits for this UID.
        case assigned(uid: UInt32, Dot, MailboxKey)
        /// The members of the group are others now.
        case membersChanged
    }
}

/// A unit that is being put together.
struct UnitContent {
    var frames: [UInt8] = []
    var effects: [PendingUnit.Effect] = []
    /// The last operation of each run of operations that the unit holds.
    var delivered: [Dot] = []
    /// The time of the unit's own operations, if it has some.
    var ownTime = HybridTimestamp(rawValue: 0)
}

/// A mailbox of an account, for those who listen.
struct MailboxKey: Hashable {
    let account: AccountIndex
    let mailbox: MailboxID
}

/// An upload on its way: where its chunks went.
struct UploadProgress {
    var chunks: [LoggedBody.Chunk] = []
    /// The log's end when the upload began; nothing of it lies before.
    var began: LogPosition
}
