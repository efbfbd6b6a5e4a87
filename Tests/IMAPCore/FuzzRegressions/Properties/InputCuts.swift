// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Cuts an input into pieces at places that the input itself decides, so that a finding is one file.
package enum InputCuts {
    /// The ends of the pieces, ascending; the last is the number of bytes.
    ///
    /// - Parameter input: the bytes.
    /// - Returns: cuts with many short and some long distances.
    package static func ends(of input: [UInt8]) -> [Int] {
        var state: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in input { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
        var ends: [Int] = []
        var place = 0
        while place < input.count {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let draw = Int(state >> 40)
            place += draw & 3 == 0 ? 1 + draw >> 2 & 127 : 1 + draw >> 2 & 3
            ends.append(min(place, input.count))
        }
        return ends
    }

    /// The pieces.
    ///
    /// - Parameter input: the bytes.
    /// - Returns: pieces that make up the input.
    package static func pieces(of input: [UInt8]) -> [[UInt8]] {
        var start = 0
        return ends(of: input).map { end in
            defer { start = end }
            return Array(input[start..<end])
        }
    }
}
