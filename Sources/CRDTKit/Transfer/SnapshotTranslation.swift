// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What the exporter's local indexes are at this node.
struct SnapshotTranslation: Sendable {
    /// By the exporter's replica index.
    var replicas: [ReplicaIndex] = [.wellKnown]
    /// By the exporter's keyword index.
    var keywords: [KeywordIndex] = []
    /// By the exporter's account index.
    var accounts: [AccountIndex] = []

    func replica(_ index: ReplicaIndex) throws(CRDTError) -> ReplicaIndex {
        guard Int(index.rawValue) < replicas.count else {
            throw SnapshotItem.malformed("replica index \(index.rawValue) has no name")
        }
        return replicas[Int(index.rawValue)]
    }

    func keyword(_ index: KeywordIndex) throws(CRDTError) -> KeywordIndex {
        guard Int(index.rawValue) < keywords.count else {
            throw SnapshotItem.malformed("keyword index \(index.rawValue) has no name")
        }
        return keywords[Int(index.rawValue)]
    }

    func dot(_ dot: Dot) throws(CRDTError) -> Dot { Dot(try replica(dot.replica), dot.counter) }

    func vector(_ vector: VersionVector) throws(CRDTError) -> VersionVector {
        var result = VersionVector()
        for (position, counter) in vector.counters.enumerated() where counter > 0 {
            result[try replica(ReplicaIndex(UInt16(truncatingIfNeeded: position)))] = counter
        }
        return result
    }
}

extension Mailbox {
    /// The header in this node's indexes.
    func translated(_ translation: SnapshotTranslation) throws(CRDTError) -> Mailbox {
        var result = self
        result.id = MailboxID(try translation.dot(id.dot))
        result.liveness = try translation.vector(liveness)
        result.deletes = try translation.vector(deletes)
        result.deletePasts = []
        for delete in deletePasts {
            result.deletePasts.append(
                DeletePast(dot: try translation.dot(delete.dot), past: try translation.vector(delete.past)))
        }
        return result
    }

    /// Whether all dots of the header are of a set of operations.
    func lies(within vector: VersionVector) -> Bool {
        vector.covers(liveness) && vector.covers(deletes) && (id.isWellKnown || vector.contains(id.dot))
            && deletePasts.allSatisfy { vector.contains($0.dot) && vector.covers($0.past) }
    }
}

extension MessageDots {
    /// The dots in this node's indexes.
    func translated(_ translation: SnapshotTranslation) throws(CRDTError) -> MessageDots {
        var result = MessageDots()
        for dot in presence { result.presence.append(try translation.dot(dot)) }
        for enabler in enablers {
            result.enablers.append(.init(dot: try translation.dot(enabler.dot), flags: enabler.flags))
        }
        for entry in keywords {
            let keyword = try translation.keyword(entry.keyword)
            result.keywords.append(.init(keyword: keyword, dot: try translation.dot(entry.dot)))
        }
        return result
    }

    /// Whether all dots are of a set of operations.
    func lie(within vector: VersionVector) -> Bool {
        presence.allSatisfy { vector.contains($0) } && enablers.allSatisfy { vector.contains($0.dot) }
            && keywords.allSatisfy { vector.contains($0.dot) }
    }
}
