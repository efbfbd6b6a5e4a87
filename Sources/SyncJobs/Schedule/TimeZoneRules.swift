// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A time zone: its offsets from UTC, now and in the future.
///
/// It is made of the bytes of a TZif file (RFC 8536), such as those below `/usr/share/zoneinfo`, with the rule in its footer for the years after its table.
/// Files that count leap seconds (the `right` ones) are refused: a ``JobTime`` has none.
public struct TimeZoneRules: Hashable, Sendable {
    /// The zone's name, such as `Europe/Berlin`.
    public let name: String

    /// An offset that holds for a while.
    struct Offset: Hashable, Sendable {
        /// What is added to UTC, in seconds; east of Greenwich is positive.
        var seconds: Int64
        var abbreviation: String
    }

    /// A time in which one offset holds, in seconds since 1970-01-01T00:00:00Z.
    struct Segment: Hashable, Sendable {
        /// Its beginning; `Int64.min` when it has none.
        var start: Int64
        /// The beginning of the next; `Int64.max` when it has none.
        var end: Int64
        var offset: Offset
    }

    /// What a file says; all values of a zone share it.
    final class Table: Hashable, Sendable {
        /// The moments at which another offset begins, ascending, in seconds since 1970-01-01T00:00:00Z.
        let transitions: [Int64]
        /// The offset from each transition on.
        let offsets: [Offset]
        /// The offset before the first transition.
        let initial: Offset
        /// The rule after the last transition.
        let footer: PosixTimeZone?

        init(transitions: [Int64], offsets: [Offset], initial: Offset, footer: PosixTimeZone?) {
            self.transitions = transitions
            self.offsets = offsets
            self.initial = initial
            self.footer = footer
        }

        static func == (left: Table, right: Table) -> Bool {
            left === right
                || left.transitions == right.transitions && left.offsets == right.offsets
                    && left.initial == right.initial && left.footer == right.footer
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(transitions.count)
            hasher.combine(initial)
            hasher.combine(footer)
        }
    }

    private let table: Table

    /// Coordinated universal time.
    public static let utc = TimeZoneRules(
        name: "UTC",
        table: Table(transitions: [], offsets: [], initial: Offset(seconds: 0, abbreviation: "UTC"), footer: nil))

    init(name: String, table: Table) {
        self.name = name
        self.table = table
    }

    /// Reads a time zone.
    ///
    /// - Parameters:
    ///   - name: what it is called.
    ///   - tzif: the bytes of its file.
    /// - Throws: ``JobError/Code/malformed`` when they break RFC 8536, ``JobError/Code/limitExceeded`` when there are more than 1 MiB.
    public init(name: String, tzif: [UInt8]) throws(JobError) {
        var reader = TZifReader(name: name, bytes: tzif)
        self = try reader.read()
    }

    /// The date and time that a clock in the zone shows, with its offset, such as `2026-11-22 07:03:31 +0100`.
    ///
    /// - Parameter time: the moment.
    /// - Returns: the text.
    public func text(of time: JobTime) -> String {
        let offset = segment(at: time.seconds).offset.seconds
        let (sign, size) = offset < 0 ? ("-", -offset) : ("+", offset)
        let zone = sign + CivilTime.padded(size / 3_600, 2) + CivilTime.padded(size / 60 % 60, 2)
        return CivilTime(localSeconds: time.seconds + offset).text + " " + zone
    }

    /// What the zone adds to UTC.
    ///
    /// - Parameter time: the moment.
    /// - Returns: seconds, positive east of Greenwich.
    public func offsetSeconds(at time: JobTime) -> Int64 { segment(at: time.seconds).offset.seconds }

    /// The time of one offset that a moment lies in.
    ///
    /// - Parameter seconds: the moment, since 1970-01-01T00:00:00Z.
    /// - Returns: the time; it contains the moment.
    /// - Complexity: O(log n) for n transitions.
    func segment(at seconds: Int64) -> Segment {
        guard let first = table.transitions.first else {
            return table.footer?.segment(at: seconds) ?? Segment(start: .min, end: .max, offset: table.initial)
        }
        if seconds < first { return Segment(start: .min, end: first, offset: table.initial) }
        var low = 0
        var high = table.transitions.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if table.transitions[middle] <= seconds { low = middle } else { high = middle }
        }
        if high < table.transitions.count {
            return Segment(start: table.transitions[low], end: table.transitions[high], offset: table.offsets[low])
        }
        guard var last = table.footer?.segment(at: seconds) else {
            return Segment(start: table.transitions[low], end: .max, offset: table.offsets[low])
        }
        last.start = max(last.start, table.transitions[low])
        return last
    }
}
