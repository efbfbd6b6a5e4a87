// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A command that a client has begun and that has not been answered.
struct ProxiedCommand {
    /// What is done with a command whose server is gone.
    enum Policy: Equatable {
        /// It changes nothing, or doing it twice is doing it once: it is sent again.
        case repeatable
        /// It may have been done: its client is told that nobody knows.
        case once
    }

    /// The most bytes of a command that is kept to be sent again.
    static let longestKept = 16_384

    let tag: Tag
    /// Its name, from a fixed list, and `UNKNOWN`.
    let name: String
    let policy: Policy
    /// The command as far as it was sent; nil when it is too long to be kept.
    private(set) var bytes: [UInt8]? = []
    /// Whether its client has sent it to its end.
    var isComplete = false
    /// Whether it has announced a literal.
    var hasLiteral = false
    /// Whether its server was lost with it, so that it is answered as soon as those before it are.
    var isLost = false
    /// Whether responses to it were passed on.
    var hasResponses = false
    /// The continuation requests that its client has seen.
    var continuations = 0
    /// The continuation requests that are still to be kept from its client, who has seen them from the server before.
    var continuationsToDrop = 0

    /// Reads the beginning of a command.
    ///
    /// - Returns: nil when the line is no command of which an answer could be told.
    init?(line: [UInt8]) {
        guard let tag = Tag.prefix(of: line.prefix(Tag.maximumBytes + 1)) else { return nil }
        self.tag = tag
        let rest = line.dropFirst(tag.bytes.count + 1).prefix(32)
        var words = rest.split(maxSplits: 2) { $0 == UInt8(ascii: " ") || $0 == 0x0D || $0 == 0x0A }
            .map { String(decoding: $0.map(ByteClass.uppercased), as: UTF8.self) }
        if words.first == "UID", words.count > 1 { words = ["UID " + words[1]] }
        (name, policy) = Self.known[words.first ?? ""].map { (words[0], $0) } ?? ("UNKNOWN", .repeatable)
    }

    /// Keeps more of the command.
    mutating func keep(_ more: [UInt8]) {
        guard let known = bytes else { return }
        bytes = known.count + more.count <= Self.longestKept ? known + more : nil
    }

    /// Whether the command can be sent to another server.
    ///
    /// - Parameter isReleased: whether the server has said that it has not begun what it has not answered.
    /// - Returns: whether it can be.
    func mayBeSentAgain(isReleased: Bool) -> Bool {
        guard bytes != nil, isComplete || isWaitingInIdle else { return false }
        if isReleased || Self.harmless.contains(name) { return true }
        return policy == .repeatable && !hasResponses
    }

    /// Whether it is an IDLE whose client has not said DONE.
    var isWaitingInIdle: Bool { name == "IDLE" && !isComplete && !hasLiteral }

    /// Prepares for another server.
    mutating func restart() {
        hasResponses = false
        continuationsToDrop = continuations
    }

    /// Commands without answers of their own: what was passed on were news, which are not repeated.
    private static let harmless: Set<String> = ["NOOP", "CHECK", "IDLE", "LOGOUT"]

    /// All names that are told apart, and whether a command can be done again.
    ///
    /// FETCH may set `\Seen`, which twice is the same as once. A command that is not known is answered with BAD everywhere.
    static let known: [String: Policy] = [
        "CAPABILITY": .repeatable, "NOOP": .repeatable, "LOGOUT": .repeatable, "STARTTLS": .repeatable,
        "LOGIN": .repeatable, "AUTHENTICATE": .repeatable, "ENABLE": .repeatable, "ID": .repeatable,
        "NAMESPACE": .repeatable, "SELECT": .repeatable, "EXAMINE": .repeatable, "CREATE": .once, "DELETE": .once,
        "RENAME": .once, "SUBSCRIBE": .once, "UNSUBSCRIBE": .once, "LIST": .repeatable, "LSUB": .repeatable,
        "STATUS": .repeatable, "APPEND": .once, "IDLE": .repeatable, "CHECK": .repeatable, "CLOSE": .once,
        "UNSELECT": .repeatable, "EXPUNGE": .once, "UID EXPUNGE": .once, "SEARCH": .repeatable,
        "UID SEARCH": .repeatable, "FETCH": .repeatable, "UID FETCH": .repeatable, "STORE": .once,
        "UID STORE": .once, "COPY": .once, "UID COPY": .once, "MOVE": .once, "UID MOVE": .once,
    ]
}
