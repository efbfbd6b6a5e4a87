// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import Synchronization

/// What must not outlive the program: temporary folders, child processes, and what else a scenario leaves behind.
///
/// What is added is undone in the opposite order, when the program ends or is interrupted. Making something and
/// adding it is one step, so that an interrupt finds either nothing or something that it can undo.
public final class Cleanup: Sendable {
    /// Names something that is to be undone.
    public struct Ticket: Hashable, Sendable {
        fileprivate let number: Int
    }

    private struct State {
        var entries: [(ticket: Ticket, undo: @Sendable () -> Void)] = []
        var next = 0
        var isOver = false
    }

    private let state = Mutex(State())

    /// A registry with nothing in it.
    public init() {}

    /// Makes something that is to be undone.
    ///
    /// - Parameters:
    ///   - make: makes it; nothing is undone when this throws. It must not use this registry.
    ///   - undo: undoes it, on any thread; it must not use this registry.
    /// - Returns: what was made, and the ticket to forget it by.
    /// - Throws: what `make` throws.
    public func add<Made: Sendable>(
        making make: () throws -> Made, undo: @escaping @Sendable (Made) -> Void
    ) rethrows -> (Made, Ticket) {
        let result: (Made, Ticket)? = try state.withLock { state in
            guard !state.isOver else { return nil }
            let made = try make()
            let ticket = Ticket(number: state.next)
            state.next += 1
            state.entries.append((ticket, { undo(made) }))
            return (made, ticket)
        }
        guard let result else { Self.waitForTheEnd() }
        return result
    }

    /// Undoes one thing now.
    ///
    /// - Parameter ticket: what; nothing happens when it was undone before.
    public func undo(_ ticket: Ticket) {
        let undo = state.withLock { state -> (@Sendable () -> Void)? in
            guard let index = state.entries.lastIndex(where: { $0.ticket == ticket }) else { return nil }
            return state.entries.remove(at: index).undo
        }
        undo?()
    }

    /// Undoes everything, the newest first; nothing can be added any more.
    ///
    /// When an interrupt is doing that already, this does not return: the interrupt ends the process.
    public func run() {
        if !undoAll() { Self.waitForTheEnd() }
    }

    /// Undoes everything unless that was begun before.
    private func undoAll() -> Bool {
        let entries = state.withLock { state -> [@Sendable () -> Void]? in
            if state.isOver { return nil }
            state.isOver = true
            defer { state.entries = [] }
            return state.entries.map(\.undo)
        }
        for undo in (entries ?? []).reversed() { undo() }
        return entries != nil
    }

    /// How many things are to be undone.
    public var count: Int { state.withLock { $0.entries.count } }

    /// Undoes everything when SIGINT, SIGTERM or SIGHUP comes, and ends the process with 128 plus the signal's number.
    ///
    /// - Throws: ``BenchFailure`` when this cannot be set up.
    public func runOnInterrupt() throws {
        try Interrupts.handle { [self] number in
            // When the program is at its end already, it tidies up itself.
            if undoAll() { _exit(128 + number) }
        }
    }

    /// Does not return when an interrupt is ending the process: what fails meanwhile fails because of it.
    func waitIfInterrupted() {
        if state.withLock({ $0.isOver }) { Self.waitForTheEnd() }
    }

    private static func waitForTheEnd() -> Never {
        while true { pause() }
    }
}
