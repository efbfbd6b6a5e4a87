// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The directives that the shell has not taken yet; bytes that follow each other are joined.
struct SessionOutbox {
    private var directives: [SessionDirective] = []
    private var head = 0
    private var bytes: [UInt8] = []

    /// Adds bytes for the client.
    mutating func send(_ write: (inout [UInt8]) -> Void) {
        write(&bytes)
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
        guard !bytes.isEmpty else { return }
        directives.append(.send(bytes))
        bytes = []
    }
}
