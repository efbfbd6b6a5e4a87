// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a snapshot record is about: its first byte.
enum RecordKind: UInt8 {
    case account = 0x61
    case mailbox = 0x6d
    case message = 0x72
    case subscription = 0x73

    /// The layout that this code writes and reads.
    var version: UInt8 {
        switch self {
        case .account: 5
        case .mailbox: 3
        case .message: 2
        case .subscription: 1
        }
    }
}

/// Writes one snapshot record: kind, version, fields, and a 32-bit check of all that.
///
/// Records are written by one node's engine for itself, so dots and keywords are local indexes. The key under which a record lies is the shell's
/// business; the record repeats what it is about.
///
///     record       = kind version fields check
///     kind         = %x61 / %x6D / %x72 / %x73    ; account, mailbox, message, subscription
///     version      = %x01 / %x02 / %x03 / %x05    ; of a subscription, a message, a mailbox, an account
///     check        = 4OCTET                       ; of all before it, big-endian
///     account      = floor 16OCTET                ; greatest UIDVALIDITY, digest
///                    number *member
///                    number *(number number number *(number vector))    ; marks: replica, stripe, times and pasts
///                    number *replica                                 ; former lives of which nothing is unknown
///     member       = text (%x00 / %x01 stamp / %x02 number number *text stamp)    ; name; removed; added: stripe, addresses
///                    (%x00 / %x01 replica stamp) number *replica     ; announced identity, all identities ever
///     stamp        = number replica number        ; time, writer, counter
///     mailbox      = dot text (%x00 / %x01 stamp)                    ; identity, name, name stamp
///                    (%x00 / %x01 number replica use)                ; UIDVALIDITY, creator, special use
///                    vector vector                                   ; liveness, deletes
///                    number *(dot vector)                            ; greatest delete of each replica and what it had seen
///                    number *(epoch kind number number successor)    ; epochs; least and greatest UID assigned
///                    number number number 6number                    ; one above the greatest UID, greatest UID shown, HIGHESTMODSEQ, counts
///     kind         = %x00 / %x01 / %x02 opening / %x03 opening                ; unknown, birth; opened; both
///     opening      = number number number *(number number)        ; parent's index, bound; settled branches: index, UID
///     successor    = %x00 / %x01 replica          ; to whom the epoch was handed over
///     message      = dot 32OCTET number 8OCTET number                ; identity, body, size, INTERNALDATE and zone
///                    number number number place                      ; MODSEQ, UID, epoch's index
///                    number *dot number *(dot flags) number *(number dot)    ; presence, system flags, keywords
///     subscription = text number *dot
///     dot          = number number                ; replica's local index, counter
///     replica      = 8OCTET number                ; name, incarnation
///     epoch        = number replica
///     vector       = number *number
///     text         = number *OCTET                ; UTF-8
///     number       = 1*10OCTET                    ; LEB128
struct RecordWriter {
    private(set) var bytes: [UInt8]

    init(_ kind: RecordKind) { bytes = [kind.rawValue, kind.version] }

    mutating func write(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func writeFixed(_ value: UInt64) {
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }

    mutating func write(_ dot: Dot) {
        write(UInt64(dot.replica.rawValue))
        write(dot.counter)
    }

    mutating func write(_ replica: ReplicaID) {
        writeFixed(replica.rawValue)
        write(UInt64(replica.incarnation))
    }

    mutating func write(_ stamp: NameStamp) {
        write(stamp.timestamp.rawValue)
        write(stamp.replica)
        write(stamp.counter)
    }

    mutating func write(_ epoch: UIDEpoch) {
        write(UInt64(epoch.number))
        write(epoch.owner)
    }

    mutating func write(_ text: String) {
        write(UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    mutating func write(_ vector: VersionVector) {
        write(UInt64(vector.counters.count))
        for counter in vector.counters { write(counter) }
    }

    /// The finished record.
    consuming func finish() -> [UInt8] {
        RecordWriter.seal(&bytes)
        return bytes
    }

    /// Appends the check of all bytes so far.
    static func seal(_ bytes: inout [UInt8]) {
        let check = RecordWriter.check(bytes.span, count: bytes.count)
        for shift in stride(from: 24, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: check >> UInt32(shift)))
        }
    }

    /// The check of the first `count` bytes.
    static func check(_ bytes: Span<UInt8>, count: Int) -> UInt32 {
        var hash = ElementHash(.record)
        var word: UInt64 = 0
        for index in 0..<count {
            word = word << 8 | UInt64(bytes[index])
            if index & 7 == 7 {
                hash.absorb(word)
                word = 0
            }
        }
        hash.absorb(word)
        hash.absorb(UInt64(count))
        return UInt32(truncatingIfNeeded: hash.finish().low)
    }
}

/// Reads the fields of one snapshot record; every field is checked against the bytes that are there.
///
/// Static functions over a span and a position: a span cannot be kept in a value.
enum RecordReader {
    /// Kind, version and check.
    static let minimumBytes = 6

    static func malformed(_ what: String) -> CRDTError { CRDTError(.malformed, "snapshot record: " + what) }

    /// Checks frame and check of a record.
    ///
    /// - Returns: the position of the first field and that behind the last.
    static func open(_ bytes: Span<UInt8>, _ kind: RecordKind) throws(CRDTError) -> (start: Int, end: Int) {
        if bytes.count < minimumBytes { throw malformed("\(bytes.count) bytes are too few") }
        let end = bytes.count - 4
        var check: UInt32 = 0
        for index in end..<bytes.count { check = check << 8 | UInt32(bytes[index]) }
        if check != RecordWriter.check(bytes, count: end) { throw malformed("the check does not fit the bytes") }
        if bytes[0] != kind.rawValue { throw malformed("kind \(bytes[0]) instead of \(kind.rawValue)") }
        if bytes[1] != kind.version {
            throw CRDTError(
                .unsupportedVersion,
                "snapshot record of version \(bytes[1]); this program reads \(kind.version)")
        }
        return (2, end)
    }

    static func close(_ position: Int, _ end: Int) throws(CRDTError) {
        if position != end { throw malformed("\(end - position) bytes are left over") }
    }

    static func byte(_ bytes: Span<UInt8>, _ position: inout Int, _ end: Int) throws(CRDTError) -> UInt8 {
        if position >= end { throw malformed("it ends too early") }
        defer { position += 1 }
        return bytes[position]
    }

    static func number(
        _ bytes: Span<UInt8>, _ position: inout Int, _ end: Int, atMost limit: UInt64 = .max
    ) throws(CRDTError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte(bytes, &position, end)
            let bits = UInt64(next & 0x7f)
            if shift > 63 || (shift == 63 && bits > 1) { throw malformed("a number has more than 64 bits") }
            value |= bits << shift
            if next & 0x80 == 0 { break }
            shift += 7
        }
        if value > limit { throw malformed("a number is \(value), at most \(limit) is possible") }
        return value
    }

    static func fixed(_ bytes: Span<UInt8>, _ position: inout Int, _ end: Int) throws(CRDTError) -> UInt64 {
        var value: UInt64 = 0
        for _ in 0..<8 { value = value << 8 | UInt64(try byte(bytes, &position, end)) }
        return value
    }

    /// A count of elements that have at least `size` bytes each.
    static func count(
        _ bytes: Span<UInt8>, _ position: inout Int, _ end: Int, size: Int
    ) throws(CRDTError) -> Int {
        let most = UInt64(max(0, end - position) / size)
        return Int(try number(bytes, &position, end, atMost: most))
    }

    static func dot(_ bytes: Span<UInt8>, _ position: inout Int, _ end: Int) throws(CRDTError) -> Dot {
        let replica = try number(bytes, &position, end, atMost: UInt64(UInt16.max))
        let counter = try number(bytes, &position, end, atMost: Dot.maximumCounter)
        let dot = Dot(ReplicaIndex(UInt16(truncatingIfNeeded: replica)), counter)
        if counter == 0 { throw malformed("a dot has no counter") }
        return dot
    }

    static func dots(_ bytes: Span<UInt8>, _ position: inout Int, _ end: Int) throws(CRDTError) -> [Dot] {
        let count = try count(bytes, &position, end, size: 2)
        var result: [Dot] = []
        for _ in 0..<count { result.append(try dot(bytes, &position, end)) }
        if count > 1 && Set(result).count != count { throw malformed("a dot is repeated") }
        return result
    }

    static func replica(_ bytes: Span<UInt8>, _ position: inout Int, _ end: Int) throws(CRDTError) -> ReplicaID {
        let name = try fixed(bytes, &position, end)
        let incarnation = try number(bytes, &position, end, atMost: UInt64(UInt32.max))
        return ReplicaID(name, incarnation: UInt32(truncatingIfNeeded: incarnation))
    }

    static func stamp(_ bytes: Span<UInt8>, _ position: inout Int, _ end: Int) throws(CRDTError) -> NameStamp {
        let timestamp = HybridTimestamp(rawValue: try number(bytes, &position, end))
        let replica = try replica(bytes, &position, end)
        return NameStamp(timestamp: timestamp, replica: replica, counter: try number(bytes, &position, end))
    }

    static func epoch(_ bytes: Span<UInt8>, _ position: inout Int, _ end: Int) throws(CRDTError) -> UIDEpoch {
        let number = try number(bytes, &position, end, atMost: UInt64(UInt32.max))
        let owner = try replica(bytes, &position, end)
        return UIDEpoch(number: UInt32(truncatingIfNeeded: number), owner: owner)
    }

    static func text(_ bytes: Span<UInt8>, _ position: inout Int, _ end: Int) throws(CRDTError) -> String {
        let count = try count(bytes, &position, end, size: 1)
        var content: [UInt8] = []
        content.reserveCapacity(count)
        for _ in 0..<count { content.append(try byte(bytes, &position, end)) }
        guard let text = String(validating: content, as: UTF8.self) else { throw malformed("a text is not UTF-8") }
        return text
    }

    static func vector(_ bytes: Span<UInt8>, _ position: inout Int, _ end: Int) throws(CRDTError) -> VersionVector {
        let count = try count(bytes, &position, end, size: 1)
        if count > Int(UInt16.max) + 1 { throw malformed("a vector has \(count) entries") }
        var result = VersionVector()
        for index in 0..<count {
            let counter = try number(bytes, &position, end, atMost: Dot.maximumCounter)
            result[ReplicaIndex(UInt16(truncatingIfNeeded: index))] = counter
        }
        if result.counters.count != count { throw malformed("a vector ends with 0") }
        return result
    }
}
