// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a server answered with, counted, so that one that does less work than another one is found out.
struct AnswerTally: Sendable {
    /// What the answer to a command consists of.
    enum Answer {
        /// Nothing that could be counted.
        case nothing
        /// FETCH responses.
        case fetches
        /// FETCH responses with literals.
        case contents
        /// The numbers of SEARCH responses.
        case numbers
        /// How many messages EXISTS says that there are.
        case exists
        /// EXPUNGE responses.
        case expunges
    }

    private(set) var fetches = 0
    private(set) var numbers = 0
    private(set) var exists = 0
    private(set) var expunges = 0
    /// The octets of all literals.
    var octets = 0

    /// Adds what another command was answered with.
    mutating func add(_ other: AnswerTally) {
        fetches += other.fetches
        numbers += other.numbers
        exists += other.exists
        expunges += other.expunges
        octets += other.octets
    }

    /// Counts an untagged response.
    mutating func note(_ response: UnsafeRawBufferPointer) {
        guard response.count > 4, response[0] == UInt8(ascii: "*"), response[1] == UInt8(ascii: " ") else { return }
        var index = 2
        var number = 0
        while index < response.count, case 48...57 = response[index] {
            number = number &* 10 &+ Int(response[index] - 48)
            index += 1
        }
        if index == 2 {
            // "* SEARCH 1 2 3"
            guard Self.stands("SEARCH", at: 2, in: response) else { return }
            for index in 8..<response.count where response[index] == UInt8(ascii: " ") {
                // A space at the end is no number.
                if index + 1 < response.count, case 48...57 = response[index + 1] { numbers += 1 }
            }
        } else if Self.stands("FETCH", at: index + 1, in: response) {
            fetches += 1
        } else if Self.stands("EXPUNGE", at: index + 1, in: response) {
            expunges += 1
        } else if Self.stands("EXISTS", at: index + 1, in: response) {
            exists = number
        }
    }

    private static func stands(_ word: StaticString, at index: Int, in response: UnsafeRawBufferPointer) -> Bool {
        guard index + word.utf8CodeUnitCount <= response.count else { return false }
        for offset in 0..<word.utf8CodeUnitCount where response[index + offset] != word.utf8Start[offset] {
            return false
        }
        return true
    }

    /// What counts for an answer, in words.
    func text(_ answer: Answer) -> String {
        switch answer {
        case .nothing: "nothing"
        case .fetches: "\(fetches) FETCH responses"
        case .contents: "\(fetches) FETCH responses with \(octets) octets in literals"
        case .numbers: "\(numbers) numbers found"
        case .exists: "\(exists) messages that exist"
        case .expunges: "\(expunges) EXPUNGE responses"
        }
    }
}
