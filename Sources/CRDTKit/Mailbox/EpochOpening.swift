// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// How a further epoch of a mailbox begins: where it parts from what was assigned before, and what its owner knew then.
public struct EpochOpening: Hashable, Sendable {
    /// The most branches that one epoch can settle.
    public static let maximumSettled = 4_096

    /// The epoch.
    public var epoch: UIDEpoch
    /// The epoch whose assignments it keeps, as far as ``inheritedUpTo`` says; always a lesser one.
    public var parent: UIDEpoch
    /// The greatest UID of the parent that stays valid.
    public var inheritedUpTo: UInt32
    /// The last assignment that the owner knew of each branch that it leaves aside.
    ///
    /// Whoever opened the epoch had seen these, so that UIDs which are assigned in it do not call for another merge with them. In ascending order of the epochs, all
    /// of them lesser than this one.
    public var settled: [UIDAssignment]

    /// Describes an opening.
    ///
    /// - Parameters:
    ///   - epoch: the epoch.
    ///   - parent: the epoch whose assignments it keeps.
    ///   - inheritedUpTo: the greatest UID of the parent that stays valid.
    ///   - settled: the last assignment that the owner knew of each branch that it leaves aside; default none.
    public init(epoch: UIDEpoch, parent: UIDEpoch, inheritedUpTo: UInt32, settled: [UIDAssignment] = []) {
        self.epoch = epoch
        self.parent = parent
        self.inheritedUpTo = inheritedUpTo
        self.settled = settled
    }
}
