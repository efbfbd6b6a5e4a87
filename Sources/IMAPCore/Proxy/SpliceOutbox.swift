// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The directives that the shell has not taken yet; bytes in one direction are joined.
struct SpliceOutbox {
    var toClient: [UInt8] = []
    var toServer: [UInt8] = []
    private var directives: [SpliceMachine.Directive] = []
    private var head = 0

    /// Adds a directive behind the bytes so far.
    mutating func append(_ directive: SpliceMachine.Directive) {
        // What is only counted needs no place among the bytes.
        if case .commandFinished = directive {} else { flush() }
        directives.append(directive)
    }

    /// Takes the next directive.
    mutating func next() -> SpliceMachine.Directive? {
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
        if !toServer.isEmpty { directives.append(.sendToServer(toServer)) }
        if !toClient.isEmpty { directives.append(.sendToClient(toClient)) }
        toServer = []
        toClient = []
    }
}
