// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension ScannerCore {
    // The empty line behind a header, which ends at `bodyStart`, has been read: what kind of body follows?
    mutating func endHeader(bodyStart: Int) {
        finishField()
        let innermost = entities.count - 1
        entities[innermost].settleHeader()
        entities[innermost].isInHeader = false
        entities[innermost].bodyStart = bodyStart
        entities[innermost].linesBeforeBody = completedLines + 1
        sink.headerEnded(scope: entities[innermost].scope)
        let fields = entities[innermost].fields
        let isOpenable = entities.count < limits.maximumNestingDepth && partCount < limits.maximumPartCount
        if isOpenable, fields.mediaType.isMessage {
            openEntity(OpenEntity(scope: .embedded, defaultType: .plainText, start: bodyStart))
        } else if isOpenable, fields.mediaType.isMultipart, let boundary = boundary(of: fields.mediaType) {
            entities[innermost].boundary = boundary
            boundaries[boundary, default: []].append(innermost)
        } else {
            // A composite that cannot be opened is one opaque text.
            let isLeaf = !fields.mediaType.isMessage && !fields.mediaType.isMultipart
            entities[innermost].emitsBody = true
            sink.bodyBegins(isLeaf ? fields : MIMEFields())
        }
    }

    /// A boundary delimiter, whose line ends at `next`, has been read: ends what is inside its multipart.
    mutating func takeDelimiter(_ delimiter: (entity: Int, isClosing: Bool), next: Int) {
        finishField()
        var end = previousTextEnd
        while entities.count - 1 > delimiter.entity {
            end = max(end, entities[entities.count - 1].currentStart)
            closeInnermost(end: end, lines: end >= lineStart ? completedLines : completedLines - 1)
        }
        if delimiter.isClosing {
            forgetBoundary(of: delimiter.entity)
        } else if partCount < limits.maximumPartCount {
            let isDigest = entities[delimiter.entity].fields.mediaType.isDigest
            openEntity(
                OpenEntity(scope: .part, defaultType: isDigest ? .embeddedMessage : .plainText, start: next))
        }
    }

    /// Ends the innermost entity and hands it to the one around it.
    mutating func closeInnermost(end: Int, lines: Int) {
        settleOpenHeader(end: end)
        forgetBoundary(of: entities.count - 1)
        let entity = entities.removeLast()
        if entity.emitsBody { sink.bodyEnded() }
        let part = entity.makePart(end: end, lineCount: max(0, lines - entity.linesBeforeBody))
        let parent = entities.count - 1
        if entity.scope == .embedded {
            entities[parent].embedded = EmbeddedMessage(envelope: entity.envelope, part: part)
        } else {
            entities[parent].children.append(part)
        }
    }

    /// An entity that ends inside its header has an empty body.
    mutating func settleOpenHeader(end: Int) {
        let innermost = entities.count - 1
        guard entities[innermost].isInHeader else { return }
        entities[innermost].settleHeader()
        entities[innermost].isInHeader = false
        entities[innermost].bodyStart = max(end, entities[innermost].headerStart)
        entities[innermost].linesBeforeBody = completedLines
        sink.headerEnded(scope: entities[innermost].scope)
    }

    private mutating func openEntity(_ entity: OpenEntity) {
        partCount += 1
        entities.append(entity)
    }

    private mutating func forgetBoundary(of index: Int) {
        guard let boundary = entities[index].boundary else { return }
        entities[index].boundary = nil
        // Inner multiparts are forgotten first, so the last index of a shared boundary is this one.
        boundaries[boundary]?.removeLast()
        if boundaries[boundary]?.isEmpty == true { boundaries[boundary] = nil }
    }

    /// A boundary that a delimiter line can hold.
    private func boundary(of type: MediaType) -> [UInt8]? {
        guard var boundary = type.parameter(Array("boundary".utf8)) else { return nil }
        while let last = boundary.last, MailASCII.isBlank(last) { boundary.removeLast() }
        return boundary.isEmpty || boundary.count + 4 > limits.maximumDelimiterBytes ? nil : boundary
    }
}
