// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit

/// A mailbox that every account has from its first login, with the same identity at every replica.
package struct ProvisionedMailbox: Sendable {
    /// Its name.
    package var name: String
    /// Its special use (RFC 6154), which is also its identity.
    package var use: MailboxUse

    /// Describes a mailbox.
    package init(name: String, use: MailboxUse) {
        self.name = name
        self.use = use
    }

    /// What mail clients look for.
    package static let standard = [
        ProvisionedMailbox(name: "Archive", use: .archive),
        ProvisionedMailbox(name: "Drafts", use: .drafts),
        ProvisionedMailbox(name: "Junk", use: .junk),
        ProvisionedMailbox(name: "Sent", use: .sent),
        ProvisionedMailbox(name: "Trash", use: .trash),
    ]
}
