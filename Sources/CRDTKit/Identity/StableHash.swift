// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Hashes that are the same at every replica and in every process, for digests that replicas compare.
///
/// They spread bits well and cost a few multiplications; they do not resist somebody who looks for collisions, and
/// nothing that must is built on them.
public enum StableHash {
    /// Spreads the bits of a word: the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), a bijection.
    ///
    /// - Parameter word: any value.
    /// - Returns: another value, each of whose bits depends on all of the word's.
    @inlinable
    public static func mix(_ word: UInt64) -> UInt64 {
        var value = word &+ 0x9e37_79b9_7f4a_7c15
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }

    /// The hash of one life of a replica.
    ///
    /// - Parameter replica: the replica.
    /// - Returns: a function of its name and its incarnation only.
    public static func hash(_ replica: ReplicaID) -> UInt64 {
        mix(mix(replica.rawValue) ^ UInt64(replica.incarnation))
    }

    /// The hash of a run of bytes: FNV-1a, then ``mix(_:)``.
    ///
    /// - Parameter bytes: the bytes.
    /// - Returns: a function of the bytes only.
    /// - Complexity: O(bytes).
    public static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var state: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return mix(state)
    }
}
