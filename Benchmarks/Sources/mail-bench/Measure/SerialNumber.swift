// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Synchronization

/// Makes mails different that were made in advance.
enum SerialNumber {
    private static let next = Atomic<UInt64>(1)

    /// Writes a number that no other mail has into the last line of a mail, whose size stays.
    static func stamp(_ mail: inout [UInt8]) {
        var number = next.wrappingAdd(1, ordering: .relaxed).oldValue
        for index in stride(from: mail.count - 3, to: max(mail.count - 19, 0), by: -1) {
            mail[index] = UInt8(ascii: "a") + UInt8(number & 15)
            number >>= 4
        }
    }
}
