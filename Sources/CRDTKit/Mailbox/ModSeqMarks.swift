// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Checkpoints that tell one replica's modification sequences in terms of another's.
///
/// Modification sequences ascend at each replica, but late operations get other values at each. So now and then a replica sets a mark, an operation without any
/// content. Its time is above all modification sequences that the replica had told, and below all that it tells later; its causal past is what lay behind them.
/// Who has seen everything up to the mark's time at that replica has seen these operations. Another replica looks up which of its own marks lie within that, and
/// takes what it changed later for unknown to the client: perhaps more than needed, which does no harm (RFC 7162 section 3.1.4), and never less.
///
/// Marks are in the group's account (``GroupAccount``) and reach every replica like other operations.
struct ModSeqMarks: Sendable {
    /// A mark: all that the replica told up to `modSeq` came from the operations of `past`.
    struct Mark: Hashable, Sendable {
        var modSeq: UInt64
        var past: VersionVector
    }

    /// The marks of one replica in ascending order.
    struct Life: Hashable, Sendable {
        var stripe: UInt8
        var marks: [Mark]

        /// The last mark that is not above a modification sequence.
        func last(notAbove modSeq: UInt64) -> Mark? { marks.last { $0.modSeq <= modSeq } }
    }

    /// How many marks of a replica are kept: beyond that every second one of the older half is dropped, never the first.
    static let maximumMarks = 64

    private(set) var lives: [ReplicaIndex: Life] = [:]

    /// Takes note of a mark; one that is not above the replica's last one is ignored, as its clock ascends.
    mutating func note(_ replica: ReplicaIndex, stripe: UInt8, _ mark: Mark) {
        let stripe = stripe & UInt8(ModSeqStamp.tagMask)
        var life = lives[replica] ?? Life(stripe: stripe, marks: [])
        guard life.marks.last.map({ $0.modSeq < mark.modSeq }) ?? true else { return }
        life.stripe = stripe
        life.marks.append(mark)
        if life.marks.count > ModSeqMarks.maximumMarks {
            let half = ModSeqMarks.maximumMarks / 2
            let older = life.marks[..<half].enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element)
            life.marks = older + life.marks[half...]
        }
        lives[replica] = life
    }

    /// Enters what a record held of a replica.
    mutating func install(_ replica: ReplicaIndex, _ life: Life) { lives[replica] = life }

    /// A modification sequence that a client presents, in terms of one replica.
    ///
    /// - Parameters:
    ///   - presented: what the client presents.
    ///   - own: the replica.
    ///   - stripe: its stripe.
    /// - Returns: the modification sequence at that replica above which lies all that the client may not know; 0 if that is everything, or nothing is known.
    func local(_ presented: UInt64, at own: ReplicaIndex, stripe: UInt8) -> UInt64 {
        let tag = ModSeqStamp.tag(of: presented)
        if tag == stripe, let first = lives[own]?.marks.first, first.modSeq <= presented { return presented }
        // A node that was wiped has had several lives with one stripe, and it is not known in which it told this.
        var known: VersionVector?
        for life in lives.values where life.stripe == tag {
            guard let mark = life.last(notAbove: presented) else { return 0 }
            if known == nil { known = mark.past } else { known?.formIntersection(mark.past) }
        }
        guard let known, let cut = lives[own]?.marks.last(where: { known.covers($0.past) }) else { return 0 }
        return cut.modSeq
    }
}

extension AccountState {
    /// Sets a mark among the modification sequences of this replica.
    ///
    /// - Parameters:
    ///   - stripe: the replica's stripe.
    ///   - batch: takes the operation; its timestamp must be above all modification sequences that the replica has told.
    public mutating func markModSeqs(stripe: UInt8, batch: inout OperationBatch) {
        batch.issue(.mark(stripe: stripe), to: &self)
    }

    /// The time of a replica's last mark: the ``ModSeqStamp/floor`` of what it tells from then on.
    ///
    /// - Parameter replica: the replica.
    /// - Returns: the time; 0 if there is none.
    public borrowing func lastModSeqMark(of replica: ReplicaIndex) -> UInt64 {
        modSeqMarks.lives[replica]?.marks.last?.modSeq ?? 0
    }

    /// A modification sequence that a client presents, in terms of one replica: in CHANGEDSINCE, UNCHANGEDSINCE and SEARCH MODSEQ of RFC 7162.
    ///
    /// To be asked of the group's account, which has the marks.
    ///
    /// - Parameters:
    ///   - presented: what the client presents; whichever replica told it.
    ///   - own: the replica.
    ///   - stripe: its stripe.
    /// - Returns: the modification sequence at that replica above which lies all that the client may not know: the same if the replica told it itself, 0 if
    ///   nothing is known about it.
    /// - Complexity: O(marks x replicas).
    public borrowing func localModSeq(_ presented: UInt64, at own: ReplicaIndex, stripe: UInt8) -> UInt64 {
        modSeqMarks.local(presented, at: own, stripe: stripe)
    }
}
