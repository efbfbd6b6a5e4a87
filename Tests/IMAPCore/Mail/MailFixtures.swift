// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Foundation
import IMAPCore

/// The test mails of Fixtures/messages, each with the ENVELOPE and BODYSTRUCTURE that are expected of it.
enum MailFixtures {
    static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasSuffix(".eml") }.map { String($0.dropLast(4)) }.sorted()
    }()

    private static let folder = Bundle.module.bundleURL.appending(path: "Fixtures/messages")

    static func message(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: name + ".eml")))
    }

    /// The two lines of the companion file, in the form of ``printable(_:)``.
    static func expected(_ name: String) throws -> (envelope: String, bodyStructure: String) {
        let text = try String(contentsOf: folder.appending(path: name + ".expected"), encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        return (lines[0], lines[1])
    }

    /// Bytes as one line of text: line ends as \r and \n, octets above 127 as <XX>.
    static func printable(_ bytes: [UInt8]) -> String {
        var text = ""
        for byte in bytes {
            switch byte {
            case 0x0D: text += "\\r"
            case 0x0A: text += "\\n"
            case 0x80...: text += "<" + String(byte, radix: 16, uppercase: true) + ">"
            default: text.unicodeScalars.append(Unicode.Scalar(byte))
            }
        }
        return text
    }
}

/// Shorthand of the mail tests.
func mailOctets(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Shorthand of the mail tests; ill-formed UTF-8 shows as U+FFFD.
func mailText(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// A message whose lines end with CRLF.
func crlfMail(_ lines: String) -> [UInt8] {
    mailOctets(lines.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n"))
}

extension MessageStructure {
    var envelopeText: String {
        var output: [UInt8] = []
        appendEnvelope(to: &output)
        return MailFixtures.printable(output)
    }

    func bodyText(extensible: Bool) -> String {
        var output: [UInt8] = []
        appendBodyStructure(to: &output, extensible: extensible)
        return MailFixtures.printable(output)
    }
}
