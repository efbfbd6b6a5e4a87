// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The structure of a whole message, as ``MessageScanner`` finds it.
///
/// It holds no part of a body. What IMAP asks of it: ``appendEnvelope(to:)``, ``appendBodyStructure(to:extensible:)``
/// and ``content(of:)``.
public struct MessageStructure: Sendable, Hashable {
    /// The size of the message in octets (RFC822.SIZE).
    public var size: Int
    /// The envelope of the message.
    public var envelope: MessageEnvelope
    /// The header and body of the message.
    public var root: MessagePart

    /// A structure.
    ///
    /// - Parameters:
    ///   - size: the size of the message in octets.
    ///   - envelope: the envelope.
    ///   - root: header and body.
    public init(size: Int, envelope: MessageEnvelope, root: MessagePart) {
        self.size = size
        self.envelope = envelope
        self.root = root
    }

    /// Looks for contradictions, for tests and simulators: ranges inside the message and inside their parents, in
    /// order and not overlapping, no empty multipart, line counts that fit.
    ///
    /// - Returns: one sentence for each contradiction; empty when all is well.
    public func checkInvariants() -> [String] {
        var violations: [String] = []
        if root.header.lowerBound != 0 { violations.append("the header begins at \(root.header.lowerBound)") }
        if root.body.upperBound != size { violations.append("the body ends at \(root.body.upperBound), not \(size)") }
        Self.check(root, inside: 0..<size, path: "root", &violations)
        return violations
    }

    private static func check(
        _ part: MessagePart, inside parent: Range<Int>, path: String, _ violations: inout [String]
    ) {
        if part.header.lowerBound < parent.lowerBound || part.body.upperBound > parent.upperBound {
            violations.append("\(path) reaches out of its parent")
        }
        if part.header.upperBound != part.body.lowerBound { violations.append("\(path) has a gap behind its header") }
        if part.lineCount < 0 || part.lineCount > part.body.count {
            violations.append("\(path) has \(part.lineCount) lines in \(part.body.count) octets")
        }
        switch part.content {
        case .leaf:
            if part.fields.mediaType.isMultipart || part.fields.mediaType.isMessage {
                violations.append("\(path) is a leaf of a composite type")
            }
        case .multipart(let children):
            if children.isEmpty { violations.append("\(path) is a multipart without parts") }
            var lower = part.body.lowerBound
            for (index, child) in children.enumerated() {
                let childPath = "\(path).\(index + 1)"
                if child.header.lowerBound < lower { violations.append("\(childPath) overlaps its predecessor") }
                lower = child.body.upperBound
                check(child, inside: part.body, path: childPath, &violations)
            }
        case .message(let message):
            if message.part.header.lowerBound != part.body.lowerBound
                || message.part.body.upperBound != part.body.upperBound
            {
                violations.append("the message in \(path) does not fill its part")
            }
            check(message.part, inside: part.body, path: "\(path).message", &violations)
        }
    }
}
