// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Foundation
internal import LiveTestSupport
internal import TestSupport
internal import Testing

/// All tests that run real processes, one after the other: each has a server of its own and measures it.
@Suite(.serialized, .onOwnThread) enum Live {}

/// The files that came with the tests.
enum Scripts {
    static func path(_ name: String) -> String { (Bundle.module.resourcePath ?? ".") + "/Scripts/" + name }
}

/// Mail for tests.
enum Mails {
    /// A mail with a subject and a body, with the line ends of the wire.
    static func simple(_ subject: String, _ body: String = "Hello.") -> [UInt8] {
        Array(
            """
            From: Ann <ann@example.org>\r
            To: Bob <bob@example.org>\r
            Subject: \(subject)\r
            Date: Mon, 7 Feb 1994 21:52:25 -0800\r
            Message-ID: <\(subject.filter { $0.isLetter || $0.isNumber })@example.org>\r
            \r
            \(body)\r\n
            """.utf8)
    }

    /// A mail of a given number of bytes, in lines of 76 characters that do not repeat.
    static func large(byteCount: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var mail = Array("Subject: large\r\nContent-Type: text/plain\r\n\r\n".utf8)
        mail.reserveCapacity(byteCount + 80)
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let filling = (0..<4_096).map { _ in digits[Int(generator.next() >> 58)] }
        var line = 0
        while mail.count < byteCount {
            mail.append(contentsOf: String(line).utf8)
            let offset = Int(generator.next() >> 52)
            mail.append(contentsOf: filling[min(offset, filling.count - 64)...].prefix(64))
            mail.append(13)
            mail.append(10)
            line += 1
        }
        mail.removeLast(mail.count - byteCount)
        return mail
    }
}

/// A seed for one test: KUIPER_SEED, or a new one; every failure prints it.
func makeSeed() -> UInt64 {
    var system = SystemRandomNumberGenerator()
    return ProcessInfo.processInfo.environment["KUIPER_SEED"].flatMap { UInt64($0) } ?? system.next()
}
