// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The rules for names that CREATE and RENAME may make.
enum MailboxHierarchy {
    /// Checks a name that is to be made.
    ///
    /// - Parameters:
    ///   - name: the name as the client wrote it.
    ///   - separator: the hierarchy separator. One at the end only says that children will come (RFC 3501 section 6.3.3) and
    ///     is taken away.
    /// - Returns: the name to make.
    /// - Throws: `invalidMailboxName` for an empty level, for the levels `.` and `..`, and for names with wildcards, which no
    ///   LIST could find again.
    static func newName(_ name: MailboxName, separator: UInt8) throws(IMAPError) -> MailboxName {
        var bytes = Array(name.value.utf8)
        if bytes.last == separator { bytes.removeLast() }
        for level in bytes.split(separator: separator, omittingEmptySubsequences: false) {
            if level.isEmpty { throw invalid("A mailbox name must not have an empty level.") }
            if level.elementsEqual(".".utf8) || level.elementsEqual("..".utf8) {
                throw invalid("A level of a mailbox name must not be . or .. here.")
            }
        }
        if bytes.contains(UInt8(ascii: "*")) || bytes.contains(UInt8(ascii: "%")) {
            throw invalid("A mailbox name must not hold the wildcards * and %.")
        }
        return try MailboxName(String(decoding: bytes, as: UTF8.self))
    }

    /// Whether a name lies below another one.
    ///
    /// - Parameters:
    ///   - name: the name that may be below.
    ///   - parent: the name that may be above.
    ///   - separator: the hierarchy separator.
    /// - Returns: whether `name` begins with `parent` and a separator.
    static func isBelow(_ name: MailboxName, _ parent: MailboxName, separator: UInt8) -> Bool {
        name.value.utf8.starts(with: Array(parent.value.utf8) + [separator])
    }

    private static func invalid(_ message: String) -> IMAPError {
        IMAPError(code: .invalidMailboxName, message: message, responseCode: .cannot)
    }
}
