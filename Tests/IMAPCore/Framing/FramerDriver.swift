// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore

/// A shell around a framer: feeds it pieces, follows IDLE and AUTHENTICATE, decides about messages.
struct FramerDriver {
    var framer: CommandFramer
    /// Whether messages are accepted.
    var accepts = true
    /// Everything found, with the pieces of one message joined.
    private(set) var events: [CommandFramer.Event] = []

    init(limits: IMAPLimits = IMAPLimits(), accepts: Bool = true) {
        self.framer = CommandFramer(limits: limits)
        self.accepts = accepts
    }

    mutating func feed(_ bytes: some Sequence<UInt8>) {
        framer.receive(Array(bytes))
        while let event = framer.nextEvent() {
            handle(event)
        }
    }

    private mutating func handle(_ event: CommandFramer.Event) {
        if case .appendBytes(let bytes) = event, case .appendBytes(let before)? = events.last {
            events[events.count - 1] = .appendBytes(before + bytes)
        } else {
            events.append(event)
        }
        switch event {
        case .appendPending: if accepts { framer.acceptLiteral() } else { framer.refuseLiteral() }
        case .command(let text):
            guard let command = try? CommandParser.parse(text) else { return }  // A bad command changes no mode.
            if command.body == .idle { framer.expect(.idle) }
            if case .authenticate(_, nil) = command.body { framer.expect(.authentication) }
        default: break
        }
    }

    static func events(
        of script: [UInt8], cutAt cuts: [Int] = [], limits: IMAPLimits = IMAPLimits(), accepts: Bool = true
    ) -> [CommandFramer.Event] {
        var driver = FramerDriver(limits: limits, accepts: accepts)
        var start = 0
        for cut in cuts + [script.count] {
            driver.feed(script[start..<cut])
            start = cut
        }
        return driver.events
    }
}

extension CommandFramer.Event {
    /// A short form for tables in tests.
    var summary: String {
        switch self {
        case .command(let text): "command " + String(decoding: text.bytes, as: UTF8.self)
        case .continuationRequest: "+"
        case .appendPending(let tag, let append): "append \(tag) \(append.mailbox) \(append.literalBytes)"
        case .appendBytes(let bytes): "bytes " + String(decoding: bytes, as: UTF8.self)
        case .appendFinished: "finished"
        case .appendFailed(let error): "failed \(error.code)"
        case .idleDone: "done"
        case .authenticationResponse(let secret): "response " + String(decoding: secret.bytes, as: UTF8.self)
        case .authenticationCancelled: "cancelled"
        case .invalid(let error): "\(error.status) \(error.tag.map { "\($0) " } ?? "")\(error.code)"
        }
    }
}
