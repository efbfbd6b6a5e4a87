// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What the mail store reports.
///
/// Every error leaves the mailboxes as they were, unless its code says otherwise.
package struct MailStoreError: Error, Sendable, CustomStringConvertible {
    /// The kind of an error; more may be added.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name.
        package let description: String
        private init(_ description: String) { self.description = description }

        /// The mailbox does not exist.
        ///
        /// Scope: the command.
        package static let noSuchMailbox = Code("noSuchMailbox")
        /// The name is taken.
        ///
        /// Scope: the command.
        package static let mailboxExists = Code("mailboxExists")
        /// The name cannot be a mailbox's.
        ///
        /// Scope: the command.
        package static let badName = Code("badName")
        /// The mailbox may not be changed in this way.
        ///
        /// Scope: the command.
        package static let notPermitted = Code("notPermitted")
        /// A named limit is reached.
        ///
        /// Scope: the command.
        package static let limitExceeded = Code("limitExceeded")
        /// The disk is full: reading goes on, writing waits for space.
        ///
        /// Scope: the process.
        package static let diskFull = Code("diskFull")
        /// The disk failed.
        ///
        /// Scope: the process.
        package static let unavailable = Code("unavailable")
        /// What is asked for is being brought up to date from another replica, and will be there soon.
        ///
        /// Scope: the account.
        package static let catchingUp = Code("catchingUp")
        /// What is on disk is not what was written.
        ///
        /// Scope: the process.
        package static let corrupt = Code("corrupt")
        /// Another process has the directory.
        ///
        /// Scope: the process.
        package static let locked = Code("locked")
        /// The store is closed or closing.
        ///
        /// Scope: the process.
        package static let closed = Code("closed")
        /// The body is gone: the last message that held it was expunged.
        ///
        /// Scope: the message.
        package static let bodyGone = Code("bodyGone")
        /// A snapshot from another replica took the place of everything: the session has to begin anew.
        ///
        /// Scope: the session.
        package static let superseded = Code("superseded")
    }

    /// The kind.
    package let code: Code
    /// What happened and the remedy; never mail, never a credential.
    package let message: String

    /// Makes an error.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Code and message.
    package var description: String { "\(code): \(message)" }
}

extension MailStoreError {
    /// What an account says that was opened before a snapshot was put in force.
    static let superseded = MailStoreError(
        .superseded, "the store was brought up to date from another replica: open the mailbox again")
}
