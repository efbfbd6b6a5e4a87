// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// One key and value of a replica's checkpoint, to be put into the engine in the same batch as the state that it
/// belongs to.
///
/// Keys of different records differ, keep their meaning and never go away, so a batch of changed records simply
/// overwrites. `docs/frame.md` has their layout.
public struct CheckpointRecord: Hashable, Sendable {
    /// The record's key; the shell may put a prefix of its own before it.
    public let key: [UInt8]
    /// The record's value.
    public let value: [UInt8]

    /// Makes a record that was read back.
    ///
    /// - Parameters:
    ///   - key: the key without the shell's prefix.
    ///   - value: the value.
    public init(key: [UInt8], value: [UInt8]) {
        self.key = key
        self.value = value
    }
}

/// Which records a checkpoint gives out.
public enum CheckpointScope: Sendable {
    /// Those that differ from the checkpoint before: O(what changed).
    case changes
    /// All.
    case everything
}

/// What the last checkpoint holds.
///
/// All lists are append-only, so a few counts say it.
struct CheckpointProgress: Sendable {
    struct Origin: Sendable {
        var counter: UInt64 = 0
        var symbols = StreamSymbols.Mark(replicas: 0, accounts: 0, keywords: 0)
        var isSaved = false
    }

    var replicas = 0
    var accounts = 0
    var keywords = 0
    var origins: [Origin] = []
}

/// The keys of the records.
enum CheckpointKey {
    /// The format of the records: the first byte of the root record.
    static let format: UInt8 = 1
    /// Lists are saved in pieces of so many entries, so that a longer list costs its last piece only.
    static let entriesPerPiece = 256

    static let root: [UInt8] = [0]
    static func replicas(_ piece: Int) -> [UInt8] { [1] + bigEndian(piece) }
    static func accounts(_ piece: Int) -> [UInt8] { [2] + bigEndian(piece) }
    static func keywords(_ piece: Int) -> [UInt8] { [3] + bigEndian(piece) }
    static func origin(_ index: Int) -> [UInt8] { [4] + bigEndian(index) }
    static func stream(_ index: Int, _ kind: DefinitionKind, _ piece: Int) -> [UInt8] {
        [5] + bigEndian(index) + [kind.rawValue] + bigEndian(piece)
    }

    private static func bigEndian(_ value: Int) -> [UInt8] {
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: value).bigEndian) { Array($0) }
    }
}
