// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What is wrong with a frame, a segment header or a batch mark, and where.
public struct FrameFault: Error, Hashable, Sendable {
    /// The sort of fault; the set is open.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The name of the fault, fit for logs and metrics.
        public let rawValue: String

        /// Makes a code from its name.
        ///
        /// - Parameter rawValue: the name.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The length field is smaller than the smallest frame, or zero as in a zero-filled tail.
        public static let lengthTooSmall = Code(rawValue: "lengthTooSmall")
        /// The length field is above ``FrameEnvelope/Limits/maximumFrameBytes``.
        public static let lengthTooLarge = Code(rawValue: "lengthTooLarge")
        /// The bytes end inside the frame.
        public static let truncated = Code(rawValue: "truncated")
        /// The bytes do not match their checksum.
        public static let checksumMismatch = Code(rawValue: "checksumMismatch")
        /// The frame is whole, but of a format version that this code does not know.
        public static let unsupportedVersion = Code(rawValue: "unsupportedVersion")
        /// A segment does not begin with the magic bytes.
        public static let badMagic = Code(rawValue: "badMagic")
        /// A segment's header names another position than the one where the segment stands.
        public static let misplacedSegment = Code(rawValue: "misplacedSegment")
        /// A segment's frames do not begin with a batch mark.
        public static let missingBatchMark = Code(rawValue: "missingBatchMark")
        /// A batch mark does not belong where it stands.
        public static let misplacedBatchMark = Code(rawValue: "misplacedBatchMark")
    }

    /// The sort of fault.
    public let code: Code
    /// The byte where the faulty structure begins, counted from the beginning of the bytes that were read.
    public let offset: Int
    /// What is wrong, in words: the limit, the actual value.
    public let message: String

    /// Describes a fault.
    ///
    /// - Parameters:
    ///   - code: the sort of fault.
    ///   - offset: where the faulty structure begins.
    ///   - message: what is wrong, in words.
    public init(_ code: Code, at offset: Int, _ message: String) {
        self.code = code
        self.offset = offset
        self.message = message
    }
}

extension FrameFault: CustomStringConvertible {
    /// The code, the place and the words in one line.
    public var description: String {
        "\(code.rawValue) at byte \(offset): \(message)"
    }
}
