// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The part of a mailbox's UIDs that one replica may give out, so that two owners in a split brain never give one UID to two messages.
///
/// UIDs from 1 are cut into blocks of ``blockSize``; block b belongs to the stripe b mod ``count``. An owner uses up a block of its own, then goes on in its
/// next one; every new epoch begins a fresh block. With one stripe UIDs are contiguous: the scheme of a node that is alone.
public struct UIDStripe: Hashable, Sendable {
    /// The stripe, from 0.
    public let index: UInt32
    /// The number of stripes.
    public let count: UInt32
    /// The number of UIDs in a block.
    public let blockSize: UInt32

    /// The number of stripes of a group of replicas.
    public static let groupCount = 16
    /// The number of UIDs in a block of a group of replicas.
    public static let groupBlockSize = 1_024
    /// The only stripe: UIDs without gaps.
    public static let sole = UIDStripe()

    private init() { (index, count, blockSize) = (0, 1, 1) }

    /// Names a stripe; nil unless `index` is below `count`, and count and block size are between 1 and 65,536.
    ///
    /// - Parameters:
    ///   - index: the stripe, from 0.
    ///   - count: the number of stripes; default 16.
    ///   - blockSize: the number of UIDs in a block; default 1,024.
    public init?(index: Int, count: Int = groupCount, blockSize: Int = groupBlockSize) {
        guard (1...65_536).contains(count) && (1...65_536).contains(blockSize) && index >= 0 && index < count else {
            return nil
        }
        (self.index, self.count, self.blockSize) = (UInt32(index), UInt32(count), UInt32(blockSize))
    }

    /// The least UID of the stripe that is not below a bound and in a block that `bound - 1` is not in or behind: nobody has used the block.
    ///
    /// - Parameter bound: a UID from 1, up to 2^32.
    /// - Returns: the first UID of a block, which may exceed 32 bits.
    public func freshUID(notBelow bound: UInt64) -> UInt64 {
        if count == 1 { return bound }
        let size = UInt64(blockSize)
        let block = (max(bound, 1) - 1 + size - 1) / size
        let stripes = UInt64(count)
        let distance = (UInt64(index) + stripes - block % stripes) % stripes
        return (block + distance) * size + 1
    }

    /// The UID that an owner gives next.
    ///
    /// - Parameters:
    ///   - last: the last UID that the owner gave in its epoch; 0 if it gave none.
    ///   - bound: one above the greatest UID that anybody is known to have given, up to 2^32.
    /// - Returns: a UID of the stripe not below `bound`, in the block of `last` if that has room; it may exceed 32 bits.
    public func nextUID(after last: UInt32, notBelow bound: UInt64) -> UInt64 {
        if count == 1 { return bound }
        let size = UInt64(blockSize)
        if last > 0 {
            let block = UInt64(last - 1) / size
            let next = max(UInt64(last) + 1, bound)
            if block % UInt64(count) == UInt64(index) && (next - 1) / size == block { return next }
        }
        return freshUID(notBelow: bound)
    }
}
