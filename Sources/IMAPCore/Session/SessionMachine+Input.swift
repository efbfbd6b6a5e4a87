// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// From the framer's events to commands.
extension SessionMachine {
    /// Handles input until a request is outstanding or nothing is left.
    mutating func pump() {
        while takesInput, let event = framer.nextEvent() { handle(event) }
    }

    private var takesInput: Bool {
        switch progress {
        case .ready, .authenticating, .uploading, .discardingUpload, .idling: true
        case .unopened, .waiting, .startingTLS, .closed: false
        }
    }

    private mutating func handle(_ event: CommandFramer.Event) {
        switch event {
        case .command(let text): handle(text)
        case .continuationRequest: send(.continuation("Ready for the literal"))
        case .appendPending(let tag, let append): beginAppend(tag, append)
        case .appendBytes(let bytes): takeAppendBytes(bytes)
        case .appendFinished: finishUpload(nil)
        case .appendFailed(let error): finishUpload(error)
        case .idleDone: endIdle(nil)
        case .authenticationResponse(let response): takeAuthenticationResponse(response)
        case .authenticationCancelled: cancelAuthentication()
        case .invalid(let error): handle(error)
        }
    }

    private mutating func handle(_ text: CommandText) {
        do throws(IMAPError) {
            start(try CommandParser.parse(text, limits: limits))
        } catch {
            // A SELECT that is answered with NO leaves no mailbox selected (RFC 3501 section 6.3.1).
            if error.status == .no, Self.isSelect(text) { leaveMailbox() }
            reject(error)
        }
    }

    private static func isSelect(_ text: CommandText) -> Bool {
        let words = text.bytes.split(separator: UInt8(ascii: " "), maxSplits: 2)
        guard words.count == 3 else { return false }
        let name = words[1].map(ByteClass.uppercased)
        return name.elementsEqual("SELECT".utf8) || name.elementsEqual("EXAMINE".utf8)
    }

    /// A line inside IDLE or AUTHENTICATE that is wrong ends that command; any other is answered for itself.
    private mutating func handle(_ error: IMAPError) {
        guard error.scope == .command else {
            reject(error)
            return
        }
        switch progress {
        case .idling: endIdle(error)
        case .authenticating(let command): reject(command, error.message)
        case .unopened, .ready, .waiting, .startingTLS, .uploading, .discardingUpload, .closed: reject(error)
        }
    }

    /// Starts a command that the state allows.
    private mutating func start(_ command: Command) {
        let current = CommandInProgress(tag: command.tag, name: command.body.name)
        guard command.body.allowedStates.contains(stage) else {
            reject(current, "\(current.name) is not possible now: " + stage.explanation)
            return
        }
        switch command.body {
        case .capability:
            send(.capability(capabilities))
            succeed(current)
        case .noop, .check: poll(current)
        case .logout: logOut(current)
        case .id:
            send(.id(configuration.identification.isEmpty ? nil : configuration.identification))
            succeed(current)
        case .starttls: startTLS(current)
        case .login(let user, let password): logIn(current, user: user, password: password)
        case .authenticate(let mechanism, let response): authenticate(current, mechanism, response)
        case .enable(let names): enable(current, names)
        case .namespace:
            let personal = Namespace(prefix: "", delimiter: configuration.hierarchySeparator)
            send(.namespace(personal: [personal], otherUsers: [], shared: []))
            succeed(current)
        case .select(let name, let parameters): select(current, name, parameters, readOnly: false)
        case .examine(let name, let parameters): select(current, name, parameters, readOnly: true)
        case .create(let name, let uses): create(current, name, uses)
        case .delete(let name): delete(current, name)
        case .rename(let from, let to): rename(current, from, to)
        case .subscribe(let name): request(.subscribe(name), current, .confirm)
        case .unsubscribe(let name): request(.unsubscribe(name), current, .confirm)
        case .list(let list): startList(current, list)
        case .lsub(let reference, let pattern): request(.listMailboxes, current, .lsub(reference, pattern))
        case .status(let name, let items): startStatus(current, name, items)
        case .append(let append): beginAppend(command.tag, append)
        case .idle: startIdle(current)
        case .close: close(current)
        case .unselect:
            leaveMailbox()
            succeed(current)
        case .expunge: expunge(current, nil)
        case .uidExpunge(let uids): expunge(current, uids)
        case .search(let search): startSearch(current, search)
        case .fetch(let messages, let items, let changedSince): startFetch(current, messages, items, changedSince)
        case .store(let messages, let change): startStore(current, messages, change)
        case .copy(let messages, let name): copy(current, messages, to: name)
        case .move(let messages, let name): move(current, messages, to: name)
        }
    }
}

extension SessionState {
    /// Why a command of another state does not work.
    fileprivate var explanation: String {
        switch self {
        case .notAuthenticated: "log in first."
        case .authenticated: "the session is logged in and no mailbox is selected."
        case .selected: "the session is logged in and a mailbox is selected."
        case .logout: "the session has ended."
        }
    }
}
