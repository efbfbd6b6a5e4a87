// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A capability that the server announces (RFC 3501 section 7.2.1).
public struct Capability: Hashable, Sendable, CustomStringConvertible {
    /// The name on the wire: an atom, possibly with `=` and a value.
    public let description: String

    /// Makes a capability; bytes that cannot stand in an atom are left out, so that the name is always safe to send.
    ///
    /// - Parameter name: the name, such as `IDLE`.
    public init(_ name: String) {
        self.description = String(decoding: name.utf8.filter(ByteClass.isAtom), as: UTF8.self)
    }

    /// IMAP version 4 revision 1 (RFC 3501).
    public static let imap4rev1 = Capability("IMAP4rev1")
    /// Non-synchronising literals of any size (RFC 7888).
    public static let literalPlus = Capability("LITERAL+")
    /// Non-synchronising literals of up to 4096 bytes (RFC 7888).
    public static let literalMinus = Capability("LITERAL-")
    /// An initial response in AUTHENTICATE (RFC 4959).
    public static let saslIR = Capability("SASL-IR")
    /// The mechanism PLAIN (RFC 4616).
    public static let authPlain = Capability("AUTH=PLAIN")
    /// STARTTLS is possible (RFC 3501 section 6.2.1).
    public static let startTLS = Capability("STARTTLS")
    /// LOGIN is refused (RFC 3501 section 6.2.3).
    public static let loginDisabled = Capability("LOGINDISABLED")
    /// ID (RFC 2971).
    public static let id = Capability("ID")
    /// ENABLE (RFC 5161).
    public static let enable = Capability("ENABLE")
    /// IDLE (RFC 2177).
    public static let idle = Capability("IDLE")
    /// NAMESPACE (RFC 2342).
    public static let namespace = Capability("NAMESPACE")
    /// UNSELECT (RFC 3691).
    public static let unselect = Capability("UNSELECT")
    /// UID EXPUNGE, APPENDUID and COPYUID (RFC 4315).
    public static let uidPlus = Capability("UIDPLUS")
    /// MOVE (RFC 6851).
    public static let move = Capability("MOVE")
    /// `\HasChildren` in LIST (RFC 3348).
    public static let children = Capability("CHILDREN")
    /// Special uses in LIST (RFC 6154).
    public static let specialUse = Capability("SPECIAL-USE")
    /// Special uses in CREATE (RFC 6154).
    public static let createSpecialUse = Capability("CREATE-SPECIAL-USE")
    /// Extended LIST (RFC 5258).
    public static let listExtended = Capability("LIST-EXTENDED")
    /// STATUS in LIST (RFC 5819).
    public static let listStatus = Capability("LIST-STATUS")
    /// Extended SEARCH (RFC 4731).
    public static let esearch = Capability("ESEARCH")
    /// Modification sequences, conditional STORE, and FETCH of what has changed (RFC 7162 section 3.1).
    public static let condstore = Capability("CONDSTORE")
    /// SIZE in STATUS (RFC 8438).
    public static let statusSize = Capability("STATUS=SIZE")

    /// The largest message that APPEND takes (RFC 7889).
    ///
    /// - Parameter bytes: the size in bytes.
    /// - Returns: the capability.
    public static func appendLimit(_ bytes: Int) -> Capability { Capability("APPENDLIMIT=\(max(0, bytes))") }
}
