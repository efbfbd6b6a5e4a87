// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What all processes of one run have in their environment, so that they are known wherever they went.
package struct RunMark: Hashable, Sendable {
    /// The variable that holds it.
    package static let variable = "KUIPER_RUN"

    /// 32 hexadecimal digits, never used before.
    package let text: String

    /// Makes a new mark.
    package init() {
        var generator = SystemRandomNumberGenerator()
        text = [generator.next(), generator.next()].map { (half: UInt64) in
            let digits = String(half, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// Reads a mark that was written down.
    ///
    /// - Parameter text: the 32 digits.
    /// There is none when it is something else.
    init?(_ text: String) {
        guard text.utf8.count == 32, text.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
        else { return nil }
        self.text = text
    }

    /// The entry of an environment.
    var entry: String { "\(Self.variable)=\(text)" }
}
