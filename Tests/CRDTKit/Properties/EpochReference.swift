// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// Which assignments of one mailbox count, said by following parents from the greatest epoch to the birth.
struct EpochReference {
    private var limits: [UIDEpoch: UInt32] = [:]
    private var opened: [UIDEpoch: (parent: UIDEpoch, bound: UInt32)] = [:]

    init(here: [IssuedOperation], birth: MailboxBirth?, context: ApplyContext) {
        for issued in here {
            if case .epoch(_, let opening) = issued.operation.body,
                opening.epoch.owner == context.replica(issued.dot.replica)
            {
                opened[opening.epoch] = (opening.parent, opening.inheritedUpTo)
            }
        }
        guard let birth else { return }
        let current = opened.keys.filter { root(of: $0) == birth.epoch }.max() ?? birth.epoch
        limits[current] = .max
        var next = current
        while let (parent, bound) = opened[next] {
            limits[parent] = bound
            next = parent
        }
    }

    func counts(_ assignment: UIDAssignment) -> Bool { assignment.uid <= limits[assignment.epoch] ?? 0 }

    /// The order of the assignments of a message: by birth, then by epoch, then by UID.
    func isBelow(_ left: UIDAssignment, _ right: UIDAssignment) -> Bool {
        (root(of: left.epoch), left.epoch, left.uid) < (root(of: right.epoch), right.epoch, right.uid)
    }

    private func root(of epoch: UIDEpoch) -> UIDEpoch {
        var next = epoch
        while let (parent, _) = opened[next] { next = parent }
        return next
    }
}
