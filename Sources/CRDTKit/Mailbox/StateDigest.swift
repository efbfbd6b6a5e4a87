// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// An order-independent 128-bit digest of a replicated state: the sum of the hashes of its elements.
///
/// Replicas that delivered the same operations have equal digests, whatever the order; equal digests mean equal states except with negligible
/// probability. It finds divergence by error, not by malice: the hash has no key.
public struct StateDigest: Hashable, Sendable, CustomStringConvertible {
    /// The lower 64 bits of the sum.
    public var low: UInt64
    /// The upper 64 bits, summed apart from the lower.
    public var high: UInt64

    /// Makes a digest.
    ///
    /// - Parameters:
    ///   - low: the lower 64 bits.
    ///   - high: the upper 64 bits.
    public init(low: UInt64 = 0, high: UInt64 = 0) {
        self.low = low
        self.high = high
    }

    /// Adds an element's hash.
    mutating func add(_ element: StateDigest) {
        low &+= element.low
        high &+= element.high
    }

    /// Takes an element's hash away.
    mutating func subtract(_ element: StateDigest) {
        low &-= element.low
        high &-= element.high
    }

    /// 32 hexadecimal digits.
    public var description: String {
        let digits = [high, low].map { word in
            let text = String(word, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        return digits.joined()
    }
}

/// The hash of one element of a state, word by word.
///
/// Both halves go through a bijection per word, so that two elements of the same kind and shape that differ in one word never collide.
struct ElementHash {
    /// What an element is: elements of different kinds never mean the same.
    enum Kind: UInt64 {
        case replicaName = 1
        case keywordName
        case text
        case mailbox
        case liveness
        case message
        case presence
        case enabler
        case keyword
        case assignment
        case subscription
        case record
        case epoch
        case offer
        case settled
        case memberLife
        case membership
        case memberIdentity
        case memberStripes
    }

    private var first: UInt64
    private var second: UInt64

    init(_ kind: Kind) {
        first = kind.rawValue &* 0xa076_1d64_78bd_642f
        second = ~kind.rawValue &* 0xe703_7ed1_a0b4_28db
    }

    /// Takes in one word.
    mutating func absorb(_ word: UInt64) {
        first = (first ^ word) &* 0x9fb2_1c65_1e98_df25
        first ^= first >> 32
        second = (second &+ word) &* 0xd6e8_feb8_6659_fd93
        second ^= second >> 29
    }

    /// Takes in a text: its length and its UTF-8 bytes, eight to a word.
    mutating func absorb(_ text: String) {
        var word: UInt64 = 0
        var count: UInt64 = 0
        for byte in text.utf8 {
            word = word << 8 | UInt64(byte)
            count += 1
            if count & 7 == 0 {
                absorb(word)
                word = 0
            }
        }
        absorb(word)
        absorb(count)
    }

    /// The hash of what was taken in.
    func finish() -> StateDigest {
        StateDigest(low: ElementHash.mix(first), high: ElementHash.mix(second ^ 0x8ebc_6af0_9c88_c6e3))
    }

    /// The finaliser of MurmurHash3, a bijection of 64 bits.
    static func mix(_ word: UInt64) -> UInt64 {
        var value = word
        value = (value ^ (value >> 33)) &* 0xff51_afd7_ed55_8ccd
        value = (value ^ (value >> 33)) &* 0xc4ce_b9fe_1a85_ec53
        return value ^ (value >> 33)
    }
}
