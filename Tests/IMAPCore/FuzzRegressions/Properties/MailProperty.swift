// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore

/// What must hold of structure, FETCH and SEARCH of any bytes that somebody calls a message.
package enum MailProperty {
    /// Checks one message.
    ///
    /// - Parameter input: the message.
    /// - Returns: what is wrong; nil when all is well.
    package static func violation(in input: [UInt8]) -> String? {
        let pieces = InputCuts.pieces(of: input)
        for limits in [MailLimits(), tightLimits] {
            let structure = MessageScanner.scan(input, limits: limits)
            var scanner = MessageScanner(limits: limits)
            for piece in pieces { scanner.consume(piece.span) }
            if scanner.finish() != structure { return "the cuts change the structure" }
            if let problem = structure.checkInvariants().first { return problem }
            if let problem = fetchViolation(input, structure) { return problem }
            if let problem = searchViolation(input, pieces, structure, limits) { return problem }
        }
        return filterViolation(input, pieces)
    }

    private static var tightLimits: MailLimits {
        MailLimits(
            maximumNestingDepth: 2, maximumPartCount: 4, maximumFieldBytes: 40, maximumFieldCount: 6,
            maximumRetainedBytes: 400, maximumParameterCount: 2, maximumAddressCount: 3, maximumDelimiterBytes: 12)
    }

    /// A FETCH of everything is one legal response.
    private static func fetchViolation(_ input: [UInt8], _ structure: MessageStructure) -> String? {
        guard let uid = UID(7), let number = SequenceNumber(3) else { return "no numbers" }
        let attributes = MessageAttributes(
            uid: uid, flags: [.seen], internalDate: DateTime(secondsSinceEpoch: 0), byteCount: input.count,
            modSequence: ModSequence(clamping: 7))
        let composer = FetchComposer(items: items(for: structure), includeUID: true)
        let target = MessageTarget(sequenceNumber: number, uid: uid)
        var response: [UInt8] = []
        for piece in composer.pieces(for: target, attributes: attributes, structure: structure) {
            switch piece {
            case .bytes(let bytes): response += bytes
            case .rawRange(let range):
                guard range.lowerBound >= 0, range.upperBound <= input.count else { return "\(range) is outside" }
                response += input[range]
            case .filteredHeader(let header):
                guard header.range.upperBound <= input.count else { return "the header \(header.range) is outside" }
                response += header.literal(of: Array(input[header.range]))
            }
        }
        return ResponseSyntax.violation(in: response)
    }

    private static func items(for structure: MessageStructure) -> [FetchItem] {
        var items: [FetchItem] = [.flags, .internalDate, .rfc822Size, .envelope, .body, .bodyStructure]
        items += [.rfc822, .rfc822Header, .rfc822Text]
        let partial = PartialRange(offset: 3, maximumBytes: 17)
        var paths: [[Int]] = [[], [1], [2], [1, 1], [9, 9, 9]]
        collect(structure.root, [], &paths)
        for path in paths.prefix(40) {
            let kinds: [BodySection.Kind] = [
                .all, .header, .text, .mime, .headerFields([Array("Subject".utf8), Array("X".utf8)]),
                .headerFieldsNot([Array("to".utf8)]),
            ]
            for kind in kinds where !(path.isEmpty && kind == .mime) {
                let section = BodySection(path: path, kind: kind)
                items.append(.bodySection(section, peek: true, partial: nil))
                items.append(.bodySection(section, peek: true, partial: partial))
            }
        }
        return items
    }

    private static func collect(_ part: MessagePart, _ path: [Int], _ paths: inout [[Int]]) {
        guard paths.count < 40, path.count < 12 else { return }
        if !path.isEmpty { paths.append(path) }
        switch part.content {
        case .leaf: break
        case .multipart(let parts):
            for (index, child) in parts.enumerated() { collect(child, path + [index + 1], &paths) }
        case .message(let message): collect(message.part, path, &paths)
        }
    }

    private static func searchViolation(
        _ input: [UInt8], _ pieces: [[UInt8]], _ structure: MessageStructure, _ limits: MailLimits
    ) -> String? {
        let slice = Array(input.dropFirst(input.count / 2).prefix(3))
        let program = MessageSearchProgram([
            .text([]), .body([]), .text(slice), .body(Array("a".utf8)), .subject(Array("x".utf8)), .from(slice),
            .header(name: Array("content-type".utf8), needle: []), .text(Array("\u{FC}".utf8)),
        ])
        var whole = MessageTextSearch(program: program, limits: limits)
        whole.consume(input.span)
        let (answers, found) = whole.finishWithStructure()
        var cut = MessageTextSearch(program: program, limits: limits)
        for piece in pieces { cut.consume(piece.span) }
        if cut.finish() != answers { return "the cuts change the answers of a search" }
        if found != structure { return "search and scanner disagree about the structure" }
        return answers[0] && answers[1] ? nil : "an empty needle is not found"
    }

    private static func filterViolation(_ input: [UInt8], _ pieces: [[UInt8]]) -> String? {
        let names = [Array("Subject".utf8), Array("received".utf8), []]
        for excluding in [false, true] {
            let whole = HeaderFilter.filter(input, names: names, excluding: excluding)
            var filter = HeaderFilter(names: names, excluding: excluding)
            var output: [UInt8] = []
            for piece in pieces { filter.consume(piece.span, into: &output) }
            filter.finish(into: &output)
            if output != whole { return "the cuts change the chosen fields" }
            if HeaderFilter.filter(whole, names: names, excluding: excluding) != whole {
                return "choosing fields twice changes them"
            }
        }
        return nil
    }
}
