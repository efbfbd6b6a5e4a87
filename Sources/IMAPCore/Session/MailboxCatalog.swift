// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// All mailboxes and subscriptions of a user: what LIST and LSUB are answered from.
public struct MailboxCatalog: Hashable, Sendable {
    /// One mailbox that exists.
    public struct Entry: Hashable, Sendable {
        /// Its name.
        public let name: MailboxName
        /// Its special use, or nil (RFC 6154).
        public let specialUse: SpecialUse?

        /// Makes an entry.
        ///
        /// - Parameters:
        ///   - name: the mailbox's name.
        ///   - specialUse: its special use, or nil.
        public init(name: MailboxName, specialUse: SpecialUse? = nil) {
            self.name = name
            self.specialUse = specialUse
        }
    }

    /// The mailboxes that exist, in any order, each once.
    public let entries: [Entry]
    /// The subscribed names, in any order; they need not exist.
    public let subscriptions: [MailboxName]

    /// Makes a catalogue.
    ///
    /// - Parameters:
    ///   - entries: the mailboxes that exist.
    ///   - subscriptions: the subscribed names.
    public init(entries: [Entry], subscriptions: [MailboxName]) {
        self.entries = entries
        self.subscriptions = subscriptions
    }
}
