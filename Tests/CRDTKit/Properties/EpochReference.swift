// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// Which assignments of one mailbox count, said by following parents from the greatest epoch to the birth.
struct EpochReference {
    private var limits: [UIDEpoch: UInt32] = [:]

    init(here: [IssuedOperation], birth: MailboxBirth?, context: ApplyContext) {
        guard let birth else { return }
        var opened: [UIDEpoch: (parent: UIDEpoch, bound: UInt32)] = [:]
        for issued in here {
            if case .epoch(_, let epoch, let parent, let bound) = issued.operation.body,
                epoch.owner == context.replica(issued.dot.replica)
            {
                opened[epoch] = (parent, bound)
            }
        }
        let current = opened.keys.filter { EpochReference.root(of: $0, opened) == birth.epoch }.max() ?? birth.epoch
        limits[current] = .max
        var next = current
        while let (parent, bound) = opened[next] {
            limits[parent] = bound
            next = parent
        }
    }

    func counts(_ assignment: UIDAssignment) -> Bool { assignment.uid <= limits[assignment.epoch] ?? 0 }

    private static func root(
        of epoch: UIDEpoch, _ opened: [UIDEpoch: (parent: UIDEpoch, bound: UInt32)]
    ) -> UIDEpoch {
        var next = epoch
        while let (parent, _) = opened[next] { next = parent }
        return next
    }
}
