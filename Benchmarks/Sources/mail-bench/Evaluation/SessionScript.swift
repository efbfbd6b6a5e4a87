// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// One command of the workload.
enum SessionCommand {
    case create(String)
    case delete(String)
    case append(String, lines: Int)
    case select(String)
    case store(Int, flags: String)
    case expunge
    case fetchFlags
    case fetchHeader(Int)
    case fetchBody(Int)
    case search

    /// Which figures it belongs to.
    enum Kind: String, CaseIterable, Sendable {
        case create = "CREATE"
        case delete = "DELETE"
        case append = "APPEND"
        case expunge = "EXPUNGE"
        case store = "STORE"
        case select = "SELECT"
        case fetchFlags = "FETCH of flags"
        case fetchHeader = "FETCH of a header"
        case fetchBody = "FETCH of a body"
        case search = "SEARCH"
        case login = "connection and LOGIN"

        /// What the answers of all services have to agree in.
        var answer: AnswerTally.Answer {
            switch self {
            case .fetchFlags: .fetches
            case .fetchHeader, .fetchBody: .contents
            case .search: .numbers
            case .select: .exists
            case .expunge: .expunges
            default: .nothing
            }
        }

        /// The commands of the paper's table.
        static let writes: [Kind] = [.create, .delete, .append, .expunge, .store]
    }

    var kind: Kind {
        switch self {
        case .create: .create
        case .delete: .delete
        case .append: .append
        case .select: .select
        case .store: .store
        case .expunge: .expunge
        case .fetchFlags: .fetchFlags
        case .fetchHeader: .fetchHeader
        case .fetchBody: .fetchBody
        case .search: .search
        }
    }
}

/// A session of the OPODIS workload: a state machine over CREATE, DELETE, APPEND, SELECT, STORE and EXPUNGE that depends on its seed alone.
///
/// What it may do next depends on what is selected: with no mailbox only CREATE; with none selected 25 % each of CREATE, DELETE,
/// APPEND and SELECT; with the only mailbox selected 30, 60 and 10 % of CREATE, APPEND and EXPUNGE while it is empty and 25 % each of
/// CREATE, APPEND, STORE and EXPUNGE otherwise; with one of several selected 15, 15, 30, 30 and 10 % of CREATE, DELETE, APPEND, SELECT
/// and EXPUNGE while it is empty, and 15, 15, 20, 25, 15 and 10 % of CREATE, DELETE, APPEND, STORE, SELECT and EXPUNGE otherwise.
/// Mails have 10 to 512 lines of 64 random characters; a session has 15 to 40 commands and ends with SELECT INBOX.
struct SessionScript {
    private struct Mailbox {
        let name: String
        /// Whether each message carries \Deleted.
        var messages: [Bool] = []
    }

    private static let flags = [#"\Seen"#, #"\Answered"#, #"\Flagged"#, #"\Draft"#, #"\Deleted"#]

    /// The number of the user, from 1.
    let user: Int
    private let number: Int
    private let reads: Bool
    private var random: BenchGenerator
    private var left: Int
    private var created = 0
    private var mailboxes: [Mailbox] = []
    private var selected: Int?
    private var readsNext = false
    private var readCount = 0
    private var hasEnded = false

    /// A session.
    ///
    /// - Parameters:
    ///   - number: its number in the run.
    ///   - seed: the seed of the run.
    ///   - users: how many users there are.
    ///   - reads: whether a FETCH or SEARCH follows each write while a mailbox with messages is selected.
    init(number: Int, seed: UInt64, users: Int, reads: Bool) {
        var random = BenchGenerator(seed: seed &* 1_000_003 &+ UInt64(number))
        user = Int.random(in: 1...users, using: &random)
        left = Int.random(in: 15...40, using: &random)
        (self.number, self.reads, self.random) = (number, reads, random)
    }

    /// The next command; nil at the end.
    mutating func next() -> SessionCommand? {
        if readsNext, let selected, !mailboxes[selected].messages.isEmpty {
            readsNext = false
            return read(mailboxes[selected].messages.count)
        }
        if hasEnded { return nil }
        left -= 1
        if left == 0 {
            hasEnded = true
            selected = nil
            return .select("INBOX")
        }
        readsNext = reads
        return write()
    }

    private mutating func write() -> SessionCommand {
        guard !mailboxes.isEmpty else { return create() }
        let percent = Int.random(in: 0..<100, using: &random)
        guard let selected else {
            return switch percent {
            case ..<25: create()
            case ..<50: delete()
            case ..<75: append(Int.random(in: 0..<mailboxes.count, using: &random))
            default: select()
            }
        }
        switch (mailboxes.count == 1, mailboxes[selected].messages.isEmpty) {
        case (true, true):
            return percent < 30 ? create() : percent < 90 ? append(selected) : expunge(selected)
        case (true, false):
            return percent < 25
                ? create() : percent < 50 ? append(selected) : percent < 75 ? store(selected) : expunge(selected)
        case (false, true):
            switch percent {
            case ..<15: return create()
            case ..<30: return delete()
            case ..<60: return append(selected)
            case ..<90: return select()
            default: return expunge(selected)
            }
        case (false, false):
            switch percent {
            case ..<15: return create()
            case ..<30: return delete()
            case ..<50: return append(selected)
            case ..<75: return store(selected)
            case ..<90: return select()
            default: return expunge(selected)
            }
        }
    }

    private mutating func create() -> SessionCommand {
        created += 1
        let name = "s\(number)x\(created)"
        mailboxes.append(Mailbox(name: name))
        return .create(name)
    }

    /// Deletes a mailbox that is not selected.
    private mutating func delete() -> SessionCommand {
        let candidates = mailboxes.indices.filter { $0 != selected }
        let index = candidates[Int.random(in: 0..<candidates.count, using: &random)]
        let name = mailboxes.remove(at: index).name
        if let selected, selected > index { self.selected = selected - 1 }
        return .delete(name)
    }

    private mutating func append(_ index: Int) -> SessionCommand {
        mailboxes[index].messages.append(false)
        return .append(mailboxes[index].name, lines: Int.random(in: 10...512, using: &random))
    }

    /// Selects a mailbox that is not selected.
    private mutating func select() -> SessionCommand {
        let candidates = mailboxes.indices.filter { $0 != selected }
        let index = candidates[Int.random(in: 0..<candidates.count, using: &random)]
        selected = index
        return .select(mailboxes[index].name)
    }

    private mutating func store(_ index: Int) -> SessionCommand {
        let message = Int.random(in: 0..<mailboxes[index].messages.count, using: &random)
        let count = Int.random(in: 1...Self.flags.count, using: &random)
        let flags = Self.flags.shuffled(using: &random).prefix(count)
        if flags.contains(#"\Deleted"#) { mailboxes[index].messages[message] = true }
        return .store(message + 1, flags: flags.joined(separator: " "))
    }

    private mutating func expunge(_ index: Int) -> SessionCommand {
        mailboxes[index].messages.removeAll { $0 }
        return .expunge
    }

    private mutating func read(_ count: Int) -> SessionCommand {
        readCount += 1
        switch readCount % 4 {
        case 0: return .fetchFlags
        case 1: return .fetchHeader(Int.random(in: 1...count, using: &random))
        case 2: return .fetchBody(Int.random(in: 1...count, using: &random))
        default: return .search
        }
    }
}
