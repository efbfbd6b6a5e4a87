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
        // 5 to 10 were those of what ``DigestKey`` hashes now.
        case subscription = 11
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

/// What the parts of one thing that changes often, a message or a mailbox's liveness, add to a digest: a product of 128 bits for each word.
///
/// The key is a well-mixed hash of the thing's identity, so the sum is that of a multilinear hash whose coefficients differ from thing to thing and from field to
/// field: two words differ in it unless the key is that of no field by chance (2^-64), and sums over things collide with as little probability. A word costs one
/// multiplication and needs no mixing of its own.
struct DigestKey {
    /// What a word says of its thing.
    enum Field: UInt64 {
        case firstOfBody = 0x9e37_79b9_7f4a_7c15
        case secondOfBody = 0xbf58_476d_1ce4_e5b9
        case thirdOfBody = 0x94d0_49bb_1331_11eb
        case fourthOfBody = 0xd6e8_feb8_6659_fd93
        case size = 0xa076_1d64_78bd_642f
        case date = 0xe703_7ed1_a0b4_28db
        case zone = 0x8ebc_6af0_9c88_c6e3
        case presence = 0x5896_65ff_e5b6_c9e7
        case enabler = 0xc2b2_ae3d_27d4_eb4f
        case keyword = 0x1656_67b1_9e37_79f9
        case assignment = 0x27d4_eb2f_1656_67c5
        case owner = 0x85eb_ca77_c2b2_ae63
        case liveness = 0x9fb2_1c65_1e98_df25
    }

    private let value: UInt64

    /// Makes the key of a thing.
    ///
    /// - Parameters:
    ///   - mailbox: the hash of the mailbox's identity.
    ///   - word: what identifies the thing in the mailbox.
    init(mailbox: UInt64, _ word: UInt64) { value = ElementHash.mix(mailbox ^ word) }

    /// What one word adds.
    ///
    /// - Parameters:
    ///   - field: what it says.
    ///   - word: the word.
    ///   - variant: tells apart words of one field, such as those of several flags; it changes the coefficient in a way that depends on the key.
    /// - Returns: what it adds.
    func term(_ field: Field, _ word: UInt64, variant: UInt64 = 0) -> StateDigest {
        let factor = value ^ field.rawValue ^ variant &* 0xff51_afd7_ed55_8ccd
        // The field's constant is taken in once more, so that a word of 0 counts too.
        let product = factor.multipliedFullWidth(by: word ^ field.rawValue)
        return StateDigest(low: product.low, high: product.high)
    }
}
