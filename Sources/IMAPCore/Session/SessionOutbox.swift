// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The directives that the shell has not taken yet; bytes that follow each other are joined.
struct SessionOutbox {
    private var directives: [SessionDirective] = []
    private var head = 0
    private var bytes: [UInt8] = []
    /// What the bytes change, when they do.
    private var change: TicketUpdate?

    /// The bytes beyond which what follows a change does not belong to it any more.
    private static let longestChange = 64 << 10

    /// Adds bytes for the client.
    mutating func send(_ write: (inout [UInt8]) -> Void) {
        write(&bytes)
        if change != nil, bytes.count > Self.longestChange { flush() }
    }

    /// Begins a change: the bytes that follow, up to the next directive, are what it is about.
    mutating func beginChange(_ update: TicketUpdate) {
        flush()
        change = update
    }

    /// Ends a change, so that bytes that follow are no part of it.
    mutating func endChange() {
        if change != nil { flush() }
    }

    /// Adds a directive behind the bytes so far.
    mutating func append(_ directive: SessionDirective) {
        flush()
        directives.append(directive)
    }

    /// Takes the next directive.
    mutating func next() -> SessionDirective? {
        if head == directives.count { flush() }
        guard head < directives.count else {
            directives.removeAll(keepingCapacity: directives.capacity <= 64)
            head = 0
            return nil
        }
        defer { head += 1 }
        return directives[head]
    }

    private mutating func flush() {
        guard !bytes.isEmpty || change != nil else { return }
        directives.append(change.map { .sendChange(bytes, $0) } ?? .send(bytes))
        bytes = []
        change = nil
    }
}
