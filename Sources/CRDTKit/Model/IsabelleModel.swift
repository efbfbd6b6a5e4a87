// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The verified IMAP CmRDT of five operations, literally: the oracle of ``AccountState``.
///
/// Source: T. Jungnickel, L. Oldenburg, M. Loibl, "Designing a Planetary-Scale IMAP Service with Conflict-free Replicated Data Types" (OPODIS 2017), and its
/// Isabelle/HOL theory, whose `interpret_op` is ``interpret(_:)``. A state maps each folder name to two sets of identifiers, metadata and files; names that are
/// not in ``folders`` are mapped to empty sets. It keeps every metadata tag for ever and carries whole sets in DELETE; it is for tests, not for mail.
public struct IsabelleModel<Name: Hashable & Sendable, ID: Hashable & Sendable>: Hashable, Sendable {
    /// The two sets of a folder.
    public struct Folder: Hashable, Sendable {
        /// Tags: each proves that somebody wants the folder.
        public var meta: Set<ID> = []
        /// The visible messages.
        public var files: Set<ID> = []
    }

    /// A downstream operation; its fresh identifier is the operation's own.
    public enum Operation: Hashable, Sendable {
        /// Adds a tag.
        case create(ID, Name)
        /// Removes the set that the source had observed from both sets.
        case delete(Set<ID>, Name)
        /// Adds a message.
        case append(ID, Name)
        /// Removes a message and adds a tag.
        case expunge(Name, removing: ID, ID)
        /// Replaces a message.
        case store(Name, removing: ID, ID)

        /// The folder.
        public var name: Name {
            switch self {
            case .create(_, let name), .delete(_, let name), .append(_, let name): name
            case .expunge(let name, _, _), .store(let name, _, _): name
            }
        }

        /// The identifier that the operation inserts, if any.
        public var inserted: ID? {
            switch self {
            case .create(let id, _), .append(let id, _), .expunge(_, _, let id), .store(_, _, let id): id
            case .delete: nil
            }
        }

        /// The identifiers that the operation removes.
        public var removed: Set<ID> {
            switch self {
            case .delete(let set, _): set
            case .expunge(_, let id, _), .store(_, let id, _): [id]
            case .create, .append: []
            }
        }
    }

    /// The folders that exist; no folder is kept with two empty sets.
    public private(set) var folders: [Name: Folder] = [:]

    /// The state in which every folder is mapped to empty sets.
    public init() {}

    /// The sets of a folder.
    ///
    /// - Parameter name: the folder.
    public subscript(name: Name) -> Folder { folders[name] ?? Folder() }

    /// The effector `interpret_op`: total, and touches no other folder.
    ///
    /// - Parameter operation: the operation.
    public mutating func interpret(_ operation: Operation) {
        var folder = self[operation.name]
        switch operation {
        case .create(let id, _):
            folder.meta.insert(id)
        case .delete(let set, _):
            folder.meta.subtract(set)
            folder.files.subtract(set)
        case .append(let id, _):
            folder.files.insert(id)
        case .expunge(_, let old, let id):
            folder.files.remove(old)
            folder.meta.insert(id)
        case .store(_, let old, let id):
            folder.files.remove(old)
            folder.files.insert(id)
        }
        folders[operation.name] = folder == Folder() ? nil : folder
    }
}

/// The generators `atSource`: what an operation is, given the state where it is issued.
extension IsabelleModel {
    /// CREATE.
    ///
    /// - Parameters:
    ///   - name: the folder.
    ///   - fresh: an identifier that was never used.
    /// - Returns: the operation.
    public func create(_ name: Name, fresh: ID) -> Operation { .create(fresh, name) }

    /// DELETE: the union of the two sets that the source observes.
    ///
    /// - Parameter name: the folder.
    /// - Returns: the operation.
    public func delete(_ name: Name) -> Operation { .delete(self[name].meta.union(self[name].files), name) }

    /// APPEND.
    ///
    /// - Parameters:
    ///   - name: the folder.
    ///   - fresh: an identifier that was never used.
    /// - Returns: the operation.
    public func append(_ name: Name, fresh: ID) -> Operation { .append(fresh, name) }

    /// EXPUNGE of a message that the source sees.
    ///
    /// - Parameters:
    ///   - name: the folder.
    ///   - message: the message.
    ///   - fresh: an identifier that was never used.
    /// - Returns: the operation, or nil if the message is not there.
    public func expunge(_ name: Name, _ message: ID, fresh: ID) -> Operation? {
        self[name].files.contains(message) ? .expunge(name, removing: message, fresh) : nil
    }

    /// STORE on a message that the source sees.
    ///
    /// - Parameters:
    ///   - name: the folder.
    ///   - message: the message.
    ///   - fresh: an identifier that was never used.
    /// - Returns: the operation, or nil if the message is not there.
    public func store(_ name: Name, _ message: ID, fresh: ID) -> Operation? {
        self[name].files.contains(message) ? .store(name, removing: message, fresh) : nil
    }
}

extension IsabelleModel.Operation {
    /// The side condition under which the theory `IMAP-proof-commute` shows that two operations commute, in any state and for any folders.
    ///
    /// - Parameter other: the other operation.
    /// - Returns: whether the condition holds; pairs without a condition always commute.
    public func commutes(with other: Self) -> Bool {
        switch (self, other) {
        case (.create(let id, _), .delete(let set, _)), (.delete(let set, _), .create(let id, _)),
            (.delete(let set, _), .append(let id, _)), (.append(let id, _), .delete(let set, _)),
            (.delete(let set, _), .expunge(_, _, let id)), (.expunge(_, _, let id), .delete(let set, _)),
            (.delete(let set, _), .store(_, _, let id)), (.store(_, _, let id), .delete(let set, _)):
            return !set.contains(id)
        case (.append(let id, _), .expunge(_, let old, _)), (.expunge(_, let old, _), .append(let id, _)),
            (.append(let id, _), .store(_, let old, _)), (.store(_, let old, _), .append(let id, _)):
            return id != old
        case (.expunge(_, let first, let firstID), .store(_, let second, let secondID)),
            (.store(_, let first, let firstID), .expunge(_, let second, let secondID)),
            (.store(_, let first, let firstID), .store(_, let second, let secondID)):
            return firstID != second && secondID != first
        case (.create, .create), (.create, .append), (.append, .create), (.create, .expunge), (.expunge, .create),
            (.create, .store), (.store, .create), (.delete, .delete), (.append, .append), (.expunge, .expunge):
            return true
        }
    }
}
