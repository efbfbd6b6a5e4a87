// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit

/// A history replayed in the verified model: each production operation becomes the model operations that mean the same to its source.
///
/// The model gives a message a new identifier with every flag change; `root` leads back to the message. RENAME wants its mailbox as CREATE does.
/// What the model does not know (UIDs, subscriptions) becomes nothing.
enum ModelTranslation {
    struct ID: Hashable, Sendable {
        var operation: Dot
        var part: Int
        /// The message; none for a tag.
        var root: Dot
    }

    typealias Model = IsabelleModel<MailboxID, ID>

    /// Translates an operation, given the model's state at its source.
    static func translate(_ issued: IssuedOperation, at source: Model) -> [Model.Operation] {
        switch issued.operation.body {
        case .create(let mailbox, _, _, _), .rename(let mailbox, _):
            return [source.create(mailbox, fresh: ID(operation: issued.dot, part: 0, root: .none))]
        case .delete(let mailbox):
            return mailbox == .inbox ? [] : [source.delete(mailbox)]
        case .append(let mailbox, _, _, _):
            return [source.append(mailbox, fresh: ID(operation: issued.dot, part: 0, root: issued.dot))]
        case .expunge(let mailbox, let message):
            return copies(of: message, in: mailbox, source).enumerated().compactMap { part, id in
                source.expunge(mailbox, id, fresh: ID(operation: issued.dot, part: part, root: .none))
            }
        case .store(let mailbox, let message, _, _):
            return copies(of: message, in: mailbox, source).enumerated().compactMap { part, id in
                source.store(mailbox, id, fresh: ID(operation: issued.dot, part: part, root: message))
            }
        case .assign, .subscribe, .unsubscribe, .epoch, .member, .mark: return []
        }
    }

    /// The folders of a model state with the messages in them, each as often as the model has it.
    static func outline(_ model: Model) -> [MailboxID: [Dot]] {
        model.folders.mapValues { $0.files.map(\.root).sorted { $0.packed < $1.packed } }
    }

    private static func copies(of message: Dot, in mailbox: MailboxID, _ source: Model) -> [ID] {
        source[mailbox].files.filter { $0.root == message }.sorted {
            ($0.operation.packed, $0.part) < ($1.operation.packed, $1.part)
        }
    }
}
