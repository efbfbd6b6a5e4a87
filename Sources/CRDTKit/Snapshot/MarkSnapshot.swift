// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The marks of modification sequences within the group's account record.
extension ModSeqMarks {
    /// Appends all marks in ascending order of replicas.
    func write(to writer: inout RecordWriter) {
        writer.write(UInt64(lives.count))
        for (replica, life) in lives.sorted(by: { $0.key < $1.key }) {
            writer.write(UInt64(replica.rawValue))
            writer.write(UInt64(life.stripe))
            writer.write(UInt64(life.marks.count))
            for mark in life.marks {
                writer.write(mark.modSeq)
                writer.write(mark.past)
            }
        }
    }

    /// Reads what ``write(to:)`` wrote.
    init(_ bytes: Span<UInt8>, _ position: inout Int, _ end: Int) throws(CRDTError) {
        self.init()
        for _ in 0..<(try RecordReader.count(bytes, &position, end, size: 3)) {
            let index = try RecordReader.number(bytes, &position, end, atMost: UInt64(UInt16.max))
            let replica = ReplicaIndex(UInt16(truncatingIfNeeded: index))
            let stripe = try RecordReader.number(bytes, &position, end, atMost: 15)
            var life = Life(stripe: UInt8(truncatingIfNeeded: stripe), marks: [])
            for _ in 0..<(try RecordReader.count(bytes, &position, end, size: 2)) {
                let modSeq = try RecordReader.number(bytes, &position, end)
                if let last = life.marks.last, last.modSeq >= modSeq {
                    throw RecordReader.malformed("the marks of a replica are out of order")
                }
                life.marks.append(Mark(modSeq: modSeq, past: try RecordReader.vector(bytes, &position, end)))
            }
            if life.marks.isEmpty || lives[replica] != nil {
                throw RecordReader.malformed("marks are repeated or empty")
            }
            install(replica, life)
        }
    }

    /// The marks in this node's indexes.
    func translated(_ translation: SnapshotTranslation) throws(CRDTError) -> ModSeqMarks {
        var result = ModSeqMarks()
        for (replica, life) in lives {
            var translated = Life(stripe: life.stripe, marks: [])
            for mark in life.marks {
                translated.marks.append(Mark(modSeq: mark.modSeq, past: try translation.vector(mark.past)))
            }
            result.install(try translation.replica(replica), translated)
        }
        return result
    }
}

extension AccountState {
    /// An account's own record in this node's indexes.
    static func translate(
        record: [UInt8], _ translation: SnapshotTranslation
    ) throws(CRDTError) -> [UInt8] {
        let context = ApplyContext(replicas: [])
        var state = try AccountState(account: record, mailboxes: [], subscriptions: [], context: context)
        if state.modSeqMarks.lives.isEmpty && state.knownLives.isEmpty { return record }
        // That is the exporter's.
        state.knownLives = []
        state.modSeqMarks = try state.modSeqMarks.translated(translation)
        return state.accountRecord()
    }
}
