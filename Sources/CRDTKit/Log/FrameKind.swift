// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What the payload of a frame holds; the set is open, so that later versions can add kinds.
public struct FrameKind: RawRepresentable, Hashable, Sendable {
    /// The byte that stands for the kind in a frame.
    public let rawValue: UInt8

    /// Makes a kind from its byte; every byte is a kind, known or not.
    ///
    /// - Parameter rawValue: the byte in the frame.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// A batch of operations of one origin.
    public static let operations = FrameKind(rawValue: 1)
    /// A piece of a message body.
    public static let bodyChunk = FrameKind(rawValue: 2)
    /// The end of a message body, with its size and its hash.
    public static let bodyEnd = FrameKind(rawValue: 3)
    /// The first frame of a group commit, which only the log writes; see ``LogBatchMark``.
    public static let batchMark = FrameKind(rawValue: 4)
}

extension FrameKind: CustomStringConvertible {
    /// The kind's name, or its number when it has none.
    public var description: String {
        switch self {
        case .operations: "operations"
        case .bodyChunk: "bodyChunk"
        case .bodyEnd: "bodyEnd"
        case .batchMark: "batchMark"
        default: "kind \(rawValue)"
        }
    }
}
