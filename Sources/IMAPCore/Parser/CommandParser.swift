// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Parses complete commands (RFC 3501 sections 6 and 9, and the extensions that the server offers).
///
/// Keywords are taken in any case. Arguments are separated by exactly one space; spaces at the end of a command are
/// tolerated. Other deviations from the grammar that real clients need are listed where they are made: 8-bit bytes in
/// quoted strings, `\Recent` among flags, a day of one digit in a date-time.
///
/// Parsing is total: every sequence of bytes gives a command or an `IMAPError` that carries the tag when there is one. The
/// work is linear in the number of bytes; recursion is bounded by `IMAPLimits.searchDepth`.
public enum CommandParser {
    /// Parses one command.
    ///
    /// The text of an APPEND ends with the header of its message, such as `a APPEND INBOX {310}`.
    ///
    ///     command = tag SP (command-any / command-auth / command-nonauth / command-select) CRLF
    ///
    /// - Parameters:
    ///   - text: the command, as the framer gives it.
    ///   - limits: the limits.
    /// - Returns: the command.
    /// - Throws: `IMAPError` with the tag, when there is one: `syntax`, `unknownCommand`, or a code for a limit or for an
    ///   argument that is well-formed but not possible.
    public static func parse(_ text: CommandText, limits: IMAPLimits = IMAPLimits()) throws(IMAPError) -> Command {
        var reader = CommandReader(text.bytes, limits: limits)
        let tag = try reader.tag()
        do throws(IMAPError) {
            let body = try reader.body()
            try reader.end()
            return Command(tag: tag, body: body)
        } catch {
            throw error.tagged(tag)
        }
    }

    /// What a literal is for.
    enum LiteralPurpose {
        /// It is an argument, to be read into memory.
        case argument
        /// It is the message of APPEND.
        case message(AppendCommand)
    }

    /// Finds out what the literal is for whose header ends the given part of a command.
    ///
    /// - Parameters:
    ///   - command: the command up to and with the header.
    ///   - limits: the limits.
    /// - Returns: `message` for an APPEND that expects its message there; the mailbox name may be a literal as well.
    /// - Throws: an error when the part of an APPEND is wrong already.
    static func purpose(ofLiteralAfter command: [UInt8], limits: IMAPLimits) throws(IMAPError) -> LiteralPurpose {
        var reader = CommandReader(command, limits: limits)
        _ = try reader.tag()
        guard reader.takeWord("APPEND") else { return .argument }
        try reader.space()
        let start = reader.offset
        if reader.peek == UInt8(ascii: "{") {
            _ = try reader.literalHeader()
            if reader.peek == nil { return .argument }
            reader.offset = start
        }
        return .message(try reader.append())
    }
}

extension CommandReader {
    /// Takes the tag and the space behind it.
    ///
    ///     tag = 1*<any ASTRING-CHAR except "+">
    mutating func tag() throws(IMAPError) -> Tag {
        guard let tag = Tag.prefix(of: bytes[...]) else {
            throw syntaxError("A command begins with a tag and a space.")
        }
        offset = tag.bytes.count + 1
        return tag
    }

    /// Takes a command's name and its arguments.
    mutating func body() throws(IMAPError) -> CommandBody {
        let start = offset
        let name = word()
        switch name {
        case "CAPABILITY": return .capability
        case "NOOP": return .noop
        case "LOGOUT": return .logout
        case "STARTTLS": return .starttls
        case "NAMESPACE": return .namespace
        case "IDLE": return .idle
        case "CHECK": return .check
        case "CLOSE": return .close
        case "UNSELECT": return .unselect
        case "EXPUNGE": return .expunge
        case "": throw syntaxError("The name of a command is missing.")
        case "LOGIN", "AUTHENTICATE", "ENABLE", "ID", "SELECT", "EXAMINE", "CREATE", "DELETE", "RENAME", "SUBSCRIBE",
            "UNSUBSCRIBE", "LIST", "LSUB", "STATUS", "APPEND":
            try space()
            return try bodyWithArguments(name)
        case "UID":
            try space()
            return try messageCommand(word(), isUID: true)
        default:
            offset = start
            return try messageCommand(word(), isUID: false)
        }
    }

    private mutating func bodyWithArguments(_ name: String) throws(IMAPError) -> CommandBody {
        switch name {
        case "LOGIN": try login()
        case "AUTHENTICATE": try authenticate()
        case "ENABLE": try enable()
        case "ID": try identification()
        case "SELECT": .select(try mailbox(), parameters: try selectParameters())
        case "EXAMINE": .examine(try mailbox(), parameters: try selectParameters())
        case "CREATE": try create()
        case "DELETE": .delete(try mailbox())
        case "RENAME": try rename()
        case "SUBSCRIBE": .subscribe(try mailbox())
        case "UNSUBSCRIBE": .unsubscribe(try mailbox())
        case "LIST": .list(try list())
        case "LSUB": try lsub()
        case "STATUS": try status()
        default: .append(try append())
        }
    }

    /// Takes the arguments of a command about messages; these are the commands that UID can stand before.
    ///
    ///     uid = "UID" SP (copy / fetch / search / store)      ; RFC 6851 adds move, RFC 4315 adds uid-expunge
    private mutating func messageCommand(_ name: String, isUID: Bool) throws(IMAPError) -> CommandBody {
        switch name {
        case "FETCH":
            try space()
            return try fetch(isUID: isUID)
        case "SEARCH":
            return .search(try search(isUID: isUID))
        case "STORE":
            try space()
            return try store(isUID: isUID)
        case "COPY":
            try space()
            let set = try messageSet(isUID: isUID)
            try space()
            return .copy(set, try mailbox())
        case "MOVE":
            try space()
            let set = try messageSet(isUID: isUID)
            try space()
            return .move(set, try mailbox())
        case "EXPUNGE" where isUID:
            try space()
            return .uidExpunge(try numberSet())
        default:
            throw IMAPError(
                code: .unknownCommand,
                message: isUID ? "UID does not go with this command." : "The command is not known.", location: offset)
        }
    }
}
