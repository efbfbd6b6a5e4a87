// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Where a new mailbox's UIDVALIDITY comes from (RFC 3501 section 2.3.1.1): the clock, above everything that the account ever had, and never the same
/// at two replicas of different stripes.
public struct UIDValiditySource: Hashable, Sendable {
    /// The wall clock, seconds since 1970.
    public var nowSeconds: UInt32
    /// What the replica's values have in their low four bits; only these four bits count.
    public var stripe: UInt8

    /// Gathers the source.
    ///
    /// - Parameters:
    ///   - nowSeconds: the wall clock, seconds since 1970.
    ///   - stripe: the replica's stripe, 0 to 15.
    public init(nowSeconds: UInt32, stripe: UInt8) {
        self.nowSeconds = nowSeconds
        self.stripe = stripe
    }

    /// The least value of the stripe that is not 0, not below the clock and above the floor.
    ///
    /// - Parameter floor: the greatest value ever given in the account.
    /// - Returns: the value, or nil if 32 bits do not suffice.
    public func next(above floor: UInt32) -> UInt32? {
        let least = max(UInt64(nowSeconds), UInt64(floor) + 1)
        let distance = (UInt64(stripe & 15) &- least) & 15
        return UInt32(exactly: least + distance)
    }
}

/// How STORE changes flags (RFC 3501 section 6.4.6).
public enum FlagChange: Hashable, Sendable {
    /// `+FLAGS`.
    case add(FlagSet)
    /// `-FLAGS`.
    case remove(FlagSet)
    /// `FLAGS`: an observed removal of what is set and not wanted, and an addition of what is missing.
    case replace(FlagSet)

    /// The flags that it names, if there are no keywords among them.
    var systemFlags: SystemFlags? {
        switch self {
        case .add(let flags), .remove(let flags), .replace(let flags): flags.hasKeywords ? nil : flags.system
        }
    }

    /// What it sets and what it clears of system flags.
    ///
    /// - Parameters:
    ///   - flags: the flags that it names.
    ///   - present: the flags that are set.
    /// - Returns: both sets, without what is as it shall be.
    func difference(_ flags: SystemFlags, _ present: SystemFlags) -> (adding: SystemFlags, removing: SystemFlags) {
        switch self {
        case .add: (flags.subtracting(present), [])
        case .remove: ([], flags.intersection(present))
        case .replace: (flags.subtracting(present), present.subtracting(flags))
        }
    }
}

/// A message that a command has put into a mailbox.
public struct PlacedMessage: Hashable, Sendable {
    /// The message that was copied; the message itself after APPEND.
    public var source: Dot
    /// The new message.
    public var id: Dot
    /// Its UID; nil until the owner of the mailbox assigns one.
    public var uid: UInt32?

    /// Gathers the facts.
    ///
    /// - Parameters:
    ///   - source: the message that was copied.
    ///   - id: the new message.
    ///   - uid: its UID.
    public init(source: Dot, id: Dot, uid: UInt32?) {
        self.source = source
        self.id = id
        self.uid = uid
    }
}
