// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore

/// What must hold of framer and parser whatever a client sends.
package enum CommandProperty {
    /// Checks one stream of bytes from a client.
    ///
    /// - Parameter input: the stream.
    /// - Returns: what is wrong; nil when all is well.
    package static func violation(in input: [UInt8]) -> String? {
        for (name, limits) in [("default", IMAPLimits()), ("tight", tightLimits)] {
            for accepts in [true, false] {
                let whole = FramerDriver.events(of: input, limits: limits, accepts: accepts)
                let cuts = InputCuts.ends(of: input).dropLast()
                let pieces = FramerDriver.events(of: input, cutAt: Array(cuts), limits: limits, accepts: accepts)
                if whole != pieces {
                    let place = zip(whole, pieces).prefix { $0 == $1 }.count
                    let found = [whole, pieces].map { place < $0.count ? $0[place].summary : "nothing" }
                    return """
                        the cuts change event \(place) with \(name) limits, messages accepted: \(accepts): \(found[0]) in \
                        one piece, \(found[1]) in several
                        """
                }
                for event in whole {
                    if let problem = violation(of: event, limits: limits) { return problem }
                }
            }
        }
        return violation(ofCommand: input, limits: IMAPLimits())
    }

    private static var tightLimits: IMAPLimits {
        var limits = IMAPLimits()
        limits.lineBytes = 48
        limits.argumentLiteralBytes = 16
        limits.appendLiteralBytes = 64
        limits.nonSynchronizingLiteralBytes = 24
        limits.commandBytes = 80
        limits.literalsPerCommand = 2
        limits.discardedLiteralBytes = 96
        limits.discardedLineBytes = 96
        limits.sequenceSetRanges = 3
        limits.searchDepth = 2
        limits.searchKeys = 4
        limits.fetchItems = 3
        limits.flags = 2
        limits.mailboxNameBytes = 12
        return limits
    }

    private static func violation(of event: CommandFramer.Event, limits: IMAPLimits) -> String? {
        switch event {
        case .command(let text):
            if text.bytes.count > limits.commandBytes { return "a command of \(text.bytes.count) bytes" }
            return violation(ofCommand: text.bytes, limits: limits)
        case .appendBytes(let bytes): return bytes.isEmpty ? "an empty piece of a message" : nil
        case .appendPending(_, let append):
            return append.literalBytes > limits.appendLiteralBytes ? "a message above the limit" : nil
        case .appendFailed(let error), .invalid(let error): return violation(of: error)
        case .continuationRequest, .appendFinished, .idleDone, .authenticationResponse, .authenticationCancelled:
            return nil
        }
    }

    /// A command parses the same twice, or gives an error that has the tag and can be sent as it is.
    private static func violation(ofCommand bytes: [UInt8], limits: IMAPLimits) -> String? {
        do throws(IMAPError) {
            let command = try CommandParser.parse(CommandText(bytes), limits: limits)
            let again = try CommandParser.parse(CommandText(bytes), limits: limits)
            return command == again ? nil : "a command parses differently the second time"
        } catch {
            let tag = bytes.firstIndex(of: UInt8(ascii: " ")).flatMap { Tag(bytes[..<$0]) }
            if error.tag != tag { return "an error has the tag \(String(describing: error.tag))" }
            return violation(of: error)
        }
    }

    private static func violation(of error: IMAPError) -> String? {
        error.message.utf8.allSatisfy { (0x20...0x7E).contains($0) } ? nil : "an error cannot be sent: \(error.message)"
    }
}
