// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore

/// A shell for tests: one machine, one connection, requests answered by a `ModelStore`.
final class ModelShell {
    var machine: SessionMachine
    let store: ModelStore
    /// All bytes sent to the client.
    var output: [UInt8] = []
    var finished: [String] = []
    var requests: [SessionRequest] = []
    var isClosed = false
    var isReleased = false
    var handedOver: [UInt8]?
    /// What the machine has said of its ticket, and the ticket that follows.
    var changes: [(bytes: [UInt8], update: TicketUpdate)] = []
    var ticket: [UInt8] = []
    var wantsTLS = false
    /// The request that has not been answered; with `answersAtOnce` there is none.
    var outstanding: SessionRequest?
    var owesPieceReply = false
    var answersAtOnce = true
    /// The upload that has begun.
    var upload: AppendTarget?
    var uploaded: [UInt8] = []
    var failsUploadAfter: Int?
    var authenticationReply: SessionReply?
    private(set) var opening: (handle: MailboxHandle, name: MailboxName, readOnly: Bool)?
    /// Events that have not been passed on.
    var inbox: [MailboxEvent] = []
    private var nextHandle: UInt64 = 1

    init(_ store: ModelStore, tls: Bool = true, configuration: SessionConfiguration = SessionConfiguration()) {
        self.store = store
        machine = SessionMachine(configuration: configuration, isTLSActive: tls)
        store.observers[ObjectIdentifier(self)] = { [unowned self] name, event, session in
            observe(name, event, isOwn: session == ObjectIdentifier(self))
        }
    }

    /// Carries on with what another server has told its client.
    convenience init(_ store: ModelStore, resuming bytes: [UInt8]?) throws(IMAPError) {
        self.init(store)
        let ticket = try bytes.map { bytes throws(IMAPError) in try SessionTicket(decoding: bytes.span) }
        let mailbox = ticket?.mailbox.flatMap { openMailbox($0.name, readOnly: $0.isReadOnly) }
        self.ticket = bytes ?? []
        machine = try SessionMachine(configuration: SessionConfiguration(), resuming: ticket, in: mailbox)
        guard let told = ticket?.mailbox?.modSequence, let opening else { return }
        let changed = store.mailboxes[opening.name]?.messages.filter { $0.modSequence > told } ?? []
        machine.notify(
            changed.map { .flagsChanged($0.uid, $0.flags, $0.modSequence, isOwn: false) }, of: opening.handle)
    }

    /// What goes over a link between servers: changes of the ticket stay in one piece.
    enum Frame {
        case data([UInt8])
        case change([UInt8], TicketUpdate)
    }

    private var frames: [Frame] = []
    private var framed = 0

    /// Takes what was sent since the last time.
    func takeFrames() -> [Frame] {
        sealFrame()
        defer { frames = [] }
        return frames
    }

    private func sealFrame() {
        if framed < output.count { frames.append(.data(Array(output[framed...]))) }
        framed = output.count
    }

    deinit { store.observers[ObjectIdentifier(self)] = nil }

    // What the machine says of itself; #expect cannot look into a noncopyable value.
    var state: SessionState { machine.state }
    var isIdle: Bool { machine.isIdle }
    var selectedMailbox: MailboxName? { machine.selectedMailbox }
    var wantsInput: Bool { machine.wantsInput }
    var deadline: SessionDeadline? { machine.deadline }
    var commandInProgress: String? { machine.commandInProgress }

    func open() {
        machine.open()
        drain()
    }

    func feed(_ text: String) { feed(Array(text.utf8)) }

    func feed(_ bytes: [UInt8]) {
        machine.receive(bytes.span)
        drain()
    }

    /// Sends one line and returns what came back as lines.
    @discardableResult
    func line(_ text: String) -> [String] {
        let start = output.count
        feed(text + "\r\n")
        return lines(from: start)
    }

    func lines(from start: Int = 0) -> [String] {
        let text = String(decoding: output[start...], as: UTF8.self)
        var lines = text.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        return lines
    }

    /// Logs in and selects, without the noise.
    func start(selecting mailbox: String? = "INBOX") {
        open()
        line("l LOGIN user secret")
        if let mailbox { line("s SELECT \(mailbox)") }
        output = []
        finished = []
        requests = []
    }

    /// Passes events on, as a push from the store would.
    func deliver() {
        guard let opening, !inbox.isEmpty else { return }
        let events = inbox
        inbox = []
        machine.notify(events, of: opening.handle)
        drain()
    }

    func drain() {
        while let directive = machine.nextDirective() {
            precondition(!isClosed, "Nothing follows close.")
            switch directive {
            case .send(let bytes): output += bytes
            case .sendChange(let bytes, let update):
                sealFrame()
                output += bytes
                framed = output.count
                frames.append(.change(bytes, update))
                changes.append((bytes, update))
                update.apply(to: &ticket)
            case .request(let request): take(request)
            case .appendData(let bytes): takePiece(bytes)
            case .startTLS: wantsTLS = true
            case .close: isClosed = true
            case .release:
                isClosed = true
                isReleased = true
            case .handOver(let rest):
                isClosed = true
                handedOver = rest
            case .commandFinished(let name, let status): finished.append("\(name) \(status.rawValue)")
            }
        }
    }

    /// Answers the outstanding request.
    func answer() {
        if owesPieceReply {
            owesPieceReply = false
            machine.complete(pieceReply())
        } else if let request = outstanding {
            outstanding = nil
            let reply = perform(request)
            // What the reply reflects is told first.
            if let opening, !inbox.isEmpty {
                let events = inbox
                inbox = []
                machine.notify(events, of: opening.handle)
            }
            machine.complete(reply)
        }
        drain()
    }

    private func take(_ request: SessionRequest) {
        requests.append(request)
        switch request {
        case .deselect:
            opening = nil
            // Given back before it was there.
            if case .select = outstanding { outstanding = nil }
        case .appendAbort:
            upload = nil
            if case .append = outstanding { outstanding = nil }
        default:
            precondition(outstanding == nil && !owesPieceReply, "One request at a time.")
            outstanding = request
            if answersAtOnce { answer() }
        }
    }

    private func takePiece(_ bytes: [UInt8]) {
        precondition(upload != nil, "A piece without an upload.")
        uploaded += bytes
        owesPieceReply = true
        if answersAtOnce { answer() }
    }

    private func pieceReply() -> SessionReply {
        if let limit = failsUploadAfter, uploaded.count > limit {
            upload = nil
            return .refused(Refusal(code: .overQuota, text: "The disk is full"))
        }
        return .appendDataAccepted
    }

    private func observe(_ name: MailboxName, _ event: MailboxEvent, isOwn: Bool) {
        guard name == opening?.name else { return }
        if case .flagsChanged(let uid, let flags, let modSequence, _) = event {
            inbox.append(.flagsChanged(uid, flags, modSequence, isOwn: isOwn))
        } else {
            inbox.append(event)
        }
    }

    func openMailbox(_ name: MailboxName, readOnly: Bool) -> SelectedMailbox? {
        guard let mailbox = store.mailboxes[name] else { return nil }
        let handle = MailboxHandle(nextHandle)
        nextHandle += 1
        opening = (handle, name, readOnly)
        inbox = []
        return SelectedMailbox(
            handle: handle, name: name, uidValidity: mailbox.uidValidity, uidNext: UID(mailbox.nextUID)!,
            uids: UIDList(mailbox.messages.map(\.uid)), highestModSequence: mailbox.highestModSequence,
            flags: mailbox.flags,
            firstUnseenUID: mailbox.messages.first { !$0.flags.contains(.seen) }?.uid,
            isReadOnly: mailbox.isReadOnly, canCreateKeywords: mailbox.canCreateKeywords)
    }
}
