// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The bounds of everything a client can make this module hold, nest or repeat.
///
/// A broken limit gives an `IMAPError` that names the limit; it never traps.
public struct IMAPLimits: Hashable, Sendable {
    /// The most bytes of one line without its line break and without literals; 64 KiB by default.
    ///
    /// RFC 7162 section 4 asks clients to keep to 8192; larger sets of unique identifiers are seen from old clients.
    public var lineBytes = 65_536
    /// The most bytes of one literal that is an ordinary argument; 64 KiB by default.
    public var argumentLiteralBytes = 65_536
    /// The most bytes of one message in APPEND, to be announced as APPENDLIMIT (RFC 7889); 64 MiB by default.
    public var appendLiteralBytes = 64 * 1024 * 1024
    /// The most bytes of one non-synchronising literal: nil for LITERAL+, 4096 for LITERAL- (RFC 7888 section 5).
    public var nonSynchronizingLiteralBytes: Int?
    /// The most bytes of one command with its argument literals, without the message of APPEND; 256 KiB by default.
    public var commandBytes = 262_144
    /// The most literals of one command; 64 by default.
    public var literalsPerCommand = 64
    /// The most bytes of a refused non-synchronising literal that are thrown away before the connection ends; 128 MiB
    /// by default.
    ///
    /// RFC 7888 section 4 offers both.
    public var discardedLiteralBytes = 128 * 1024 * 1024
    /// The most bytes of an overlong line that are thrown away before the connection ends; 1 MiB by default.
    public var discardedLineBytes = 1024 * 1024

    /// The most ranges of one sequence set; 10,000 by default.
    public var sequenceSetRanges = 10_000
    /// How deep parentheses, NOT and OR of SEARCH may nest; 100 by default.
    ///
    /// Mail clients write "from any of these n people" as n nested ORs; a thousand levels are an attack.
    public var searchDepth = 100
    /// The most keys of one SEARCH, counted at every level; 2,000 by default.
    public var searchKeys = 2_000
    /// The most data items of one FETCH; 100 by default.
    public var fetchItems = 100
    /// The most field names of one HEADER.FIELDS; 200 by default.
    public var headerFields = 200
    /// The most part numbers of one section; 64 by default.
    public var sectionDepth = 64
    /// The most flags of one STORE or APPEND; 100 by default.
    public var flags = 100
    /// The most bytes of one keyword; 128 by default.
    public var keywordBytes = 128
    /// The most bytes of one mailbox name as UTF-8; 1,000 by default.
    public var mailboxNameBytes = 1_000
    /// The most patterns of one LIST; 32 by default.
    public var listPatterns = 32
    /// The most items of one STATUS; 32 by default.
    public var statusItems = 32
    /// The most names of one ENABLE; 32 by default.
    public var capabilities = 32
    /// The most field-value pairs of one ID (RFC 2971 section 3.3); 30 by default.
    public var idFields = 30
    /// The most bytes of the name of an ID field (RFC 2971 section 3.3); 30 by default.
    public var idFieldBytes = 30
    /// The most bytes of the value of an ID field (RFC 2971 section 3.3); 1,024 by default.
    public var idValueBytes = 1_024

    /// Makes the default limits.
    public init() {}

    /// Tighter limits for a client that has not logged in: lines of 8 KiB and commands of 16 KiB.
    public static var beforeAuthentication: IMAPLimits {
        var limits = IMAPLimits()
        limits.lineBytes = 8_192
        limits.argumentLiteralBytes = 4_096
        limits.commandBytes = 16_384
        limits.literalsPerCommand = 8
        return limits
    }
}
