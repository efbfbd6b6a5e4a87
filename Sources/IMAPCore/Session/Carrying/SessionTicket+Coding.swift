// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The bytes of a ticket: a base, then any number of changes.
///
///     ticket    = version flags extensions [mailbox] *change
///     version   = %x01
///     flags     = OCTET                      ; bit 0: a mailbox is selected, bit 1: read-only,
///                                            ; bit 2: a modification sequence is there
///     extensions = number *(number *OCTET)   ; a count, then length and bytes of each
///     mailbox   = number *OCTET              ; the name in UTF-8
///                 number *OCTET              ; the identity
///                 number                     ; UIDVALIDITY
///                 number                     ; the next UID
///                 ranges                     ; the messages
///                 [number]                   ; the modification sequence up to which flags were told
///     change    = %x01 number ranges ranges  ; the next UID, messages removed, messages added
///               / %x02 number *OCTET         ; the mailbox has another name
///               / %x03 number                ; the modification sequence up to which flags were told
///     ranges    = number *(number number)    ; a count; for each the distance to the one before, and the length, less one
///     number    = 1*9OCTET                   ; LEB128, unsigned
extension SessionTicket {
    static let version: UInt8 = 1

    enum ChangeKind: UInt8 {
        case view = 1
        case name = 2
        case modSequence = 3
    }

    /// The bytes of the ticket.
    ///
    /// - Returns: the encoding.
    /// - Complexity: linear in the number of gaps between the identifiers, plus a pass over them.
    public func encoded() -> [UInt8] {
        var output: [UInt8] = [Self.version]
        output.append(
            (mailbox == nil ? 0 : 1) | (mailbox?.isReadOnly == true ? 2 : 0) | (mailbox?.modSequence == nil ? 0 : 4))
        TicketWriter.number(UInt64(enabled.count), into: &output)
        for name in enabled { TicketWriter.bytes(Array(name.utf8), into: &output) }
        guard let mailbox else { return output }
        TicketWriter.bytes(Array(mailbox.name.value.utf8), into: &output)
        TicketWriter.bytes(mailbox.identity, into: &output)
        TicketWriter.number(UInt64(mailbox.uidValidity.rawValue), into: &output)
        TicketWriter.number(mailbox.nextUID, into: &output)
        TicketWriter.ranges(mailbox.uids, into: &output)
        if let modSequence = mailbox.modSequence { TicketWriter.number(modSequence.rawValue, into: &output) }
        return output
    }

    /// Reads a ticket with the changes behind it.
    ///
    /// - Parameters:
    ///   - bytes: the bytes, from anywhere.
    ///   - limits: the bounds.
    /// - Throws: ``IMAPError`` with `invalidTicket` when the bytes are no ticket, are of another version or break a limit.
    public init(decoding bytes: Span<UInt8>, limits: TicketLimits = TicketLimits()) throws(IMAPError) {
        guard bytes.count <= limits.bytes else {
            throw Self.invalid("A ticket of \(bytes.count) bytes is larger than the \(limits.bytes) allowed.")
        }
        var reader = TicketReader(bytes.withUnsafeBufferPointer { Array($0) })
        let version = try reader.byte()
        guard version == Self.version else {
            throw Self.invalid("A ticket of version \(version) cannot be read; this server knows \(Self.version).")
        }
        let flags = try reader.byte()
        guard flags & ~7 == 0, flags & 1 == 1 || flags == 0 else {
            throw Self.invalid("A ticket has the unknown flags \(flags).")
        }
        var names: [String] = []
        for _ in 0..<(try reader.count(atMost: limits.extensions, "extensions")) {
            names.append(try reader.text(atMost: limits.extensionBytes, "an extension's name"))
        }
        self.init(enabled: names)
        if flags & 1 != 0 { mailbox = try Mailbox(&reader, isReadOnly: flags & 2 != 0, limits) }
        if flags & 4 != 0 { mailbox?.modSequence = try reader.modSequence() }
        while !reader.isAtEnd { try apply(&reader, limits) }
    }

    private mutating func apply(_ reader: inout TicketReader, _ limits: TicketLimits) throws(IMAPError) {
        let kind = try reader.byte()
        guard mailbox != nil else { throw Self.invalid("A ticket without a mailbox has a change of kind \(kind).") }
        switch ChangeKind(rawValue: kind) {
        case .view:
            mailbox?.nextUID = try reader.nextUID()
            let removed = try reader.ranges(atMost: limits.messages)
            let added = try reader.ranges(atMost: limits.messages)
            if !removed.isEmpty {
                let gone = Set(removed)
                mailbox?.uids.removeAll { gone.contains($0) }
            }
            guard let first = added.first else { return }
            if let last = mailbox?.uids.last, last >= first {
                throw Self.invalid("A ticket adds message \(first) behind message \(last).")
            }
            mailbox?.uids += added
            guard (mailbox?.uids.count ?? 0) <= limits.messages else { throw Self.tooMany(limits) }
        case .name:
            mailbox?.name = try reader.mailboxName()
        case .modSequence:
            mailbox?.modSequence = try reader.modSequence()
        case nil:
            throw Self.invalid("A ticket has a change of the unknown kind \(kind).")
        }
    }

    static func invalid(_ message: String) -> IMAPError {
        IMAPError(code: .invalidTicket, message: message, scope: .connection)
    }

    fileprivate static func tooMany(_ limits: TicketLimits) -> IMAPError {
        invalid("A ticket cannot have more than \(limits.messages) messages.")
    }
}

extension SessionTicket.Mailbox {
    fileprivate init(_ reader: inout TicketReader, isReadOnly: Bool, _ limits: TicketLimits) throws(IMAPError) {
        let name = try reader.mailboxName()
        let identity = try reader.bytes(atMost: limits.identityBytes, "a mailbox's identity")
        guard let validity = UIDValidity(UInt32(clamping: try reader.number(atMost: UInt64(UInt32.max)))) else {
            throw SessionTicket.invalid("A ticket has the UIDVALIDITY 0.")
        }
        let nextUID = try reader.nextUID()
        self.init(
            name: name, identity: identity, uidValidity: validity, isReadOnly: isReadOnly, nextUID: nextUID,
            uids: try reader.ranges(atMost: limits.messages))
    }
}

/// Writes the elements of a ticket.
enum TicketWriter {
    static func number(_ value: UInt64, into output: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            output.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        output.append(UInt8(truncatingIfNeeded: rest))
    }

    static func bytes(_ bytes: [UInt8], into output: inout [UInt8]) {
        number(UInt64(bytes.count), into: &output)
        output += bytes
    }

    /// Writes strictly ascending identifiers as ranges.
    static func ranges(_ uids: [UID], into output: inout [UInt8]) {
        var starts: [Int] = []
        for index in uids.indices where index == 0 || uids[index].rawValue - uids[index - 1].rawValue > 1 {
            starts.append(index)
        }
        number(UInt64(starts.count), into: &output)
        var last: UInt32 = 0
        for (position, start) in starts.enumerated() {
            let end = position + 1 < starts.count ? starts[position + 1] : uids.count
            number(UInt64(uids[start].rawValue - last), into: &output)
            number(UInt64(end - start - 1), into: &output)
            last = uids[end - 1].rawValue
        }
    }
}

/// Reads the elements of a ticket; every one may be missing or wrong.
private struct TicketReader {
    private let input: [UInt8]
    private var offset = 0

    init(_ input: [UInt8]) { self.input = input }

    var isAtEnd: Bool { offset == input.count }

    mutating func byte() throws(IMAPError) -> UInt8 {
        guard offset < input.count else { throw SessionTicket.invalid("A ticket ends too early.") }
        defer { offset += 1 }
        return input[offset]
    }

    mutating func number(atMost limit: UInt64) throws(IMAPError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try byte()
            guard shift < 63 else { throw SessionTicket.invalid("A number of a ticket has too many bytes.") }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        guard value <= limit else {
            throw SessionTicket.invalid("A number of a ticket is \(value), more than \(limit).")
        }
        return value
    }

    /// The next UID: one more than the largest identifier when none is left.
    mutating func nextUID() throws(IMAPError) -> UInt64 {
        let value = try number(atMost: UInt64(UInt32.max) + 1)
        guard value > 0 else { throw SessionTicket.invalid("A ticket has the next UID 0.") }
        return value
    }

    mutating func modSequence() throws(IMAPError) -> ModSequence {
        ModSequence(clamping: try number(atMost: ModSequence.largest.rawValue))
    }

    mutating func count(atMost limit: Int, _ what: String) throws(IMAPError) -> Int {
        let value = try number(atMost: UInt64(UInt32.max))
        guard value <= UInt64(limit) else {
            throw SessionTicket.invalid("A ticket has \(value) \(what), more than the \(limit) allowed.")
        }
        return Int(value)
    }

    mutating func bytes(atMost limit: Int, _ what: String) throws(IMAPError) -> [UInt8] {
        let count = try count(atMost: limit, "bytes of \(what)")
        guard input.count - offset >= count else { throw SessionTicket.invalid("A ticket ends within \(what).") }
        defer { offset += count }
        return Array(input[offset..<(offset + count)])
    }

    mutating func text(atMost limit: Int, _ what: String) throws(IMAPError) -> String {
        guard let text = String(validating: try bytes(atMost: limit, what), as: UTF8.self) else {
            throw SessionTicket.invalid("A ticket has \(what) that is not UTF-8.")
        }
        return text
    }

    mutating func mailboxName() throws(IMAPError) -> MailboxName {
        let limits = IMAPLimits()
        do throws(IMAPError) {
            return try MailboxName(try text(atMost: limits.mailboxNameBytes, "a mailbox's name"), limits: limits)
        } catch  where error.code == .invalidMailboxName {
            throw SessionTicket.invalid("A ticket has a mailbox's name that is none.")
        }
    }

    mutating func ranges(atMost limit: Int) throws(IMAPError) -> [UID] {
        let count = try count(atMost: limit, "ranges")
        var result: [UID] = []
        var last: UInt64 = 0
        for index in 0..<count {
            let gap = try number(atMost: UInt64(UInt32.max))
            let length = try number(atMost: UInt64(UInt32.max))
            guard gap > (index == 0 ? 0 : 1), last + gap + length <= UInt64(UInt32.max) else {
                throw SessionTicket.invalid("The ranges of a ticket do not ascend.")
            }
            guard UInt64(result.count) + length < UInt64(limit) else {
                throw SessionTicket.invalid("A ticket cannot have more than \(limit) messages.")
            }
            for value in (last + gap)...(last + gap + length) {
                if let uid = UID(UInt32(truncatingIfNeeded: value)) { result.append(uid) }
            }
            last += gap + length
        }
        return result
    }
}
