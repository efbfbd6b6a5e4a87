// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Which names a mailbox may have, beyond what the protocol's grammar says.
///
/// Names never become paths; the rules keep them portable to stores where they do, and refuse what can only be a mistake or an attack.
struct MailboxNameRules {
    let separator: Character
    let maximumBytes: Int
    let maximumLevels: Int

    /// Refuses a name, or returns it without one trailing separator (RFC 3501 section 6.3.3).
    func validated(_ name: String) throws(MailStoreError) -> String {
        var name = name
        if name.count > 1, name.last == separator { name.removeLast() }
        guard !name.isEmpty else { throw MailStoreError(.badName, "a mailbox name cannot be empty") }
        guard name.utf8.count <= maximumBytes else {
            throw MailStoreError(.badName, "a mailbox name has at most \(maximumBytes) octets, not \(name.utf8.count)")
        }
        guard name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) }) else {
            throw MailStoreError(.badName, "a mailbox name cannot hold control characters")
        }
        let levels = name.split(separator: separator, omittingEmptySubsequences: false)
        guard levels.count <= maximumLevels else {
            throw MailStoreError(.badName, "a mailbox name has at most \(maximumLevels) levels, not \(levels.count)")
        }
        for level in levels {
            guard !level.isEmpty else {
                throw MailStoreError(.badName, "a mailbox name cannot have an empty level: check the \(separator)")
            }
            guard level != "." && level != ".." else {
                throw MailStoreError(.badName, "a level of a mailbox name cannot be \"\(level)\"")
            }
        }
        return name
    }
}
