// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The bounds and times of one ``ReplicationMachine``, and the bounds of the wire.
public struct ReplicationLimits: Sendable {
    /// The version of the protocol.
    public static let protocolVersion: UInt64 = 4
    /// The largest message: type and payload, without the length in front; 1 MiB + 64 KiB.
    public static let maximumMessageBytes = (1 << 20) + (64 << 10)
    /// The longest name of a group, a node or an account in bytes of UTF-8.
    public static let maximumNameBytes = 255
    /// The longest text of a refusal or an abort in bytes of UTF-8; longer ones are cut.
    public static let maximumTextBytes = 1_024
    /// The most entries of a vector in a message.
    public static let maximumVectorEntries = 4_096
    /// The most members of a group.
    public static let maximumMembers = 64
    /// The most partial settings of a group.
    public static let maximumSettings = 16
    /// The most accounts in a page of digests.
    public static let maximumDigests = 1_024
    /// The most bytes of a part of a snapshot.
    public static let maximumPartBytes = 256 << 10
    /// The most octets of a body in one chunk.
    public static let maximumChunkBytes = 64 << 10
    /// The most octets that one want may ask for.
    public static let maximumWantBytes: UInt64 = 256 << 10
    /// The most octets of a body that travels ahead of its frame.
    public static let maximumPushedBodyBytes = 256 << 10

    /// The most unacknowledged bytes of frames and bodies on a link; default 1 MiB.
    ///
    /// All members must use the same value or smaller ones: a receiver refuses what exceeds its own.
    public var windowBytes = 1 << 20
    /// The bytes of log that are read at once for a link; default 256 KiB.
    public var readBytes = 256 << 10
    /// The bytes of frames that travel in one message; default 128 KiB.
    ///
    /// A larger frame is alone in its message.
    public var batchBytes = 128 << 10
    /// The most bytes of small bodies that wait in memory for the frame behind them, for each link; default 1 MiB.
    public var pendingBodyBytes = 1 << 20
    /// The longest time without a sign of life, in milliseconds; default 500.
    public var presenceMilliseconds: UInt64 = 500
    /// The shortest time between two presences on one link, in milliseconds; default 20.
    public var presencePauseMilliseconds: UInt64 = 20
    /// How long a member is not heard before it counts as unreachable, in milliseconds; default 3,000.
    public var unreachableMilliseconds: UInt64 = 3_000
    /// How long a link is silent before it is closed, in milliseconds; default 6,000.
    public var silenceMilliseconds: UInt64 = 6_000
    /// How long a greeting may take, in milliseconds; default 5,000.
    public var greetingMilliseconds: UInt64 = 5_000
    /// The largest lead of a peer's clock that is believed, in milliseconds; default 5 minutes, as
    /// ``ReplicaLimits/maximumLeadMilliseconds``.
    public var maximumLeadMilliseconds: UInt64 = 300_000
    /// The first pause of an origin whose frame was refused, in milliseconds; default 1,000.
    ///
    /// It doubles with each refusal.
    public var refusalPauseMilliseconds: UInt64 = 1_000
    /// The longest such pause, in milliseconds; default 60,000.
    public var maximumRefusalPauseMilliseconds: UInt64 = 60_000
    /// How long a stream that did not fit into the causal buffer waits before it is asked for again, in milliseconds;
    /// default 200.
    public var overflowPauseMilliseconds: UInt64 = 200

    /// How long a stream may stand still although its source has more of it, before it is asked for again, in
    /// milliseconds; default 3,000.
    public var stallMilliseconds: UInt64 = 3_000
    /// How often a stream is asked for again in vain before its source is taken not to have it; default 5.
    public var fruitlessRestarts = 5
    /// For how long that is believed, in milliseconds; default 60,000.
    public var distrustMilliseconds: UInt64 = 60_000
    /// After what time an announcement that did not show in the group's account is repeated, in milliseconds; default
    /// 5,000.
    public var announcementMilliseconds: UInt64 = 5_000
    /// The longest time between two looks at everything that time decides, in milliseconds; default 250.
    public var tickMilliseconds: UInt64 = 250

    /// The shortest time between two questions to the store for missing bodies, in milliseconds; default 20.
    public var missingBodiesPauseMilliseconds: UInt64 = 20
    /// The longest time between two such questions, in milliseconds; default 5,000.
    public var missingBodiesMilliseconds: UInt64 = 5_000
    /// The most bodies that are wanted at once from all peers; default 16.
    public var wantedBodies = 16
    /// The most bodies that are wanted at once on one link; default 4.
    public var wantedBodiesPerLink = 4
    /// The most missing bodies that the machine keeps in mind; default 256.
    ///
    /// The store knows the rest; as many again may be urgent.
    public var knownMissingBodies = 256
    /// The most unanswered wants of a peer, beyond which the link is closed; default 64.
    public var servedWantsPerLink = 64
    /// How long a want may go without an answer before another peer is asked, in milliseconds; default 5,000.
    public var wantMilliseconds: UInt64 = 5_000
    /// The pause after which a body that no peer had is asked for again, in milliseconds; default 2,000.
    public var absentBodyPauseMilliseconds: UInt64 = 2_000

    /// The parts of a snapshot that may be under way; default 4.
    public var snapshotParts: UInt64 = 4
    /// The most snapshots that are made for peers at once; default 2.
    public var exports = 2
    /// How long a snapshot is kept for a receiver whose link is gone, in milliseconds; default 30,000.
    public var exportKeepMilliseconds: UInt64 = 30_000
    /// How long the next part may take to come before the snapshot is asked for elsewhere, in milliseconds; default
    /// 60,000: the first part of a large store takes its time.
    public var snapshotStallMilliseconds: UInt64 = 60_000
    /// The pause after a failed snapshot, in milliseconds; default 2,000.
    public var snapshotPauseMilliseconds: UInt64 = 2_000
    /// The operations by which a replica that has none of a peer's may lag before it takes a snapshot rather than the
    /// log; default 200,000.
    public var snapshotLagOperations: UInt64 = 200_000

    /// The shortest time between two searches for a difference, in milliseconds; default 5,000.
    public var divergencePauseMilliseconds: UInt64 = 5_000
    /// How long a search for a difference may take, in milliseconds; default 60,000.
    public var searchMilliseconds: UInt64 = 60_000
    /// How long a relayed stream stands still before another relay that has more of it takes over, in milliseconds;
    /// default 100.
    public var relayPatienceMilliseconds: UInt64 = 100
    /// The most accounts that one search repairs; default 64.
    ///
    /// The next one goes on.
    public var repairsPerSearch = 64

    /// The defaults.
    public init() {}
}
