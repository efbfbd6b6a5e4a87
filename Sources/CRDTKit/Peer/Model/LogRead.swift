// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A frame of the store's log as it lies there.
public struct LoggedFrame: Hashable, Sendable {
    /// What the payload holds.
    public var kind: FrameKind
    /// Where the frame begins.
    public var position: LogPosition
    /// The whole frame with its envelope, unchanged: length, checksum, version, kind and payload.
    public var envelope: [UInt8]

    /// Puts a frame together.
    ///
    /// - Parameters:
    ///   - kind: what the payload holds.
    ///   - position: where the frame begins.
    ///   - envelope: the whole frame.
    public init(kind: FrameKind, position: LogPosition, envelope: [UInt8]) {
        self.kind = kind
        self.position = position
        self.envelope = envelope
    }
}

/// A run of the log: the answer to ``ReplicationDirective/readLog(_:from:maximumBytes:)``.
public struct LogRead: Hashable, Sendable {
    /// The frames in the order of the log; batch marks may be left out, and frames of unknown kinds may be there.
    public var frames: [LoggedFrame]
    /// Where the next read begins: behind the last frame, at most the durable end.
    public var next: LogPosition

    /// Puts an answer together.
    ///
    /// - Parameters:
    ///   - frames: the frames.
    ///   - next: where the next read begins.
    public init(frames: [LoggedFrame], next: LogPosition) {
        self.frames = frames
        self.next = next
    }
}
