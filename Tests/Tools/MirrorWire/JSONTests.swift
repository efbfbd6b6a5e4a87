// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import MirrorWire
import SyncJobs
import TestSupport
import SyncJobs
import Testing

@Suite struct JSONTests {
    @Test(arguments: [
        ("<a> & b", #""\u003ca\u003e \u0026 b""#), ("\"\\/", #""\"\\/""#), ("\n\r\t\u{8}\u{C}", #""\n\r\t\b\f""#),
        ("\u{0}\u{1F}\u{7F}", "\"\\u0000\\u001f\u{7F}\""), ("\u{2028}\u{2029}\u{2027}", "\"\\u2028\\u2029\u{2027}\""),
        ("镜像 é 😀", "\"镜像 é 😀\""), ("", #""""#),
    ])
    func stringsAreEscapedAsGoDoesIt(_ text: String, _ expected: String) throws {
        var writer = JSONWriter()
        writer.string(text)
        let bytes = writer.finish()
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
        #expect(try JSONParser.parse(bytes) == .string(text))
    }

    @Test(arguments: [
        (#""\ud83d\ude00""#, "😀"), (#""\ud83d""#, "\u{FFFD}"), (#""\ude00x""#, "\u{FFFD}x"),
        (#""\ud83d\u0041""#, "\u{FFFD}A"), (#""\/\"\\""#, "/\"\\"), (#""\u00E9""#, "é"),
    ])
    func escapesAreRead(_ json: String, _ expected: String) throws {
        #expect(try JSONParser.parse(Array(json.utf8)) == .string(expected))
    }

    @Test func bytesThatAreNotTextAreReplaced() throws {
        #expect(try JSONParser.parse([0x22, 0xFF, 0x22]) == .string("\u{FFFD}"))
    }

    @Test(arguments: [
        "", "{", "[", "[1,]", "{\"a\":}", "{\"a\" 1}", "{a:1}", "nul", "tru", "01", "-", "1.", "1e", "\"a", "\"\\x\"",
        "\"\\u12\"", "\"\n\"", "{} {}", "[1 2]", "{\"a\":1,}", "'a'", "\u{FEFF}{}", "NaN", "+1", ".5",
    ])
    func brokenTextsAreRefused(_ json: String) {
        #expect { try JSONParser.parse(Array(json.utf8)) } throws: { ($0 as? WireError)?.code == .malformed }
    }

    @Test func everyPrefixOfADocumentIsRefused() throws {
        let whole = Array(Recorded.statuses[4].utf8)
        for count in 0..<whole.count {
            #expect(throws: WireError.self) { try MirrorStatus(json: Array(whole[..<count])) }
        }
    }

    @Test func damagedDocumentsNeverTrap() {
        var generator = SeededGenerator(seed: 7)
        let whole = Array(Recorded.statuses[3].utf8)
        for _ in 0..<2_000 {
            var bytes = whole
            for _ in 0..<3 {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            // Most are refused; what counts is that all are answered.
            _ = try? MirrorStatus(json: bytes)
        }
    }

    @Test func lengthDepthAndNumberOfValuesAreLimited() {
        let code = { (json: [UInt8], limits: JSONLimits) -> WireError.Code? in
            do throws(WireError) { _ = try JSONParser.parse(json, limits: limits) } catch { return error.code }
            return nil
        }
        #expect(code(Array(repeating: UInt8(ascii: " "), count: 11), JSONLimits(maximumBytes: 10)) == .limitExceeded)
        let deep = Array(String(repeating: "[", count: 33).utf8)
        #expect(code(deep, JSONLimits()) == .limitExceeded)
        var few = JSONLimits()
        few.maximumValues = 3
        #expect(code(Array("[1,2]".utf8), few) == nil)
        #expect(code(Array("[1,2,3]".utf8), few) == .limitExceeded)
    }

    @Test func namesOfMembersMayHaveAnyCaseAndTheLastCounts() throws {
        let json = #"{"NAME":"a","Name":"b","extra":{"x":[1]},"Status":"failed","is_master":null,"size":null}"#
        let status = try MirrorStatus(json: Array(json.utf8))
        #expect(status.name == "b")
        #expect(status.status == .failed)
        #expect(!status.isMaster)
        #expect(status.lastUpdate == .never)
        #expect(status.size.isEmpty)
    }

    @Test(arguments: [
        #"{"name":1}"#, #"{"name":"a","is_master":"yes"}"#, #"{"name":"a","last_update":"yesterday"}"#,
        #"{"name":"a","last_update":5}"#, "[]", "3", #""text""#, "true",
    ])
    func wrongTypesAreRefusedWithTheMembersName(_ json: String) {
        #expect { try MirrorStatus(json: Array(json.utf8)) } throws: { ($0 as? WireError)?.code == .wrongType }
    }

    @Test(arguments: ["verifying", "SUCCESS", " success", "presyncing"])
    func statesOutsideTheSevenAreRefused(_ state: String) {
        let json = #"{"name":"a","status":"\#(state)"}"#
        #expect { try MirrorStatus(json: Array(json.utf8)) } throws: { ($0 as? WireError)?.code == .unknownValue }
    }

    @Test(arguments: ["bogus", "START", "", "starts"])
    func unknownVerbsAreNotStart(_ verb: String) {
        let json = Array(#"{"cmd":"\#(verb)","mirror_id":"m"}"#.utf8)
        #expect(throws: WireError.self) { try WorkerCommand(json: json) }
        #expect(throws: WireError.self) { try ClientCommand(json: json) }
        #expect(throws: WireError.self) { try WorkerCommand(json: Array(#"{"mirror_id":"m"}"#.utf8)) }
    }

    @Test func listsMayBeNull() throws {
        #expect(try [Worker](json: Array("null".utf8)).isEmpty)
        #expect(try ScheduleList(json: Array(#"{"schedules":null}"#.utf8)).schedules == nil)
        #expect([Worker]().json == Array("[]".utf8))
        #expect(throws: WireError.self) { try [Worker](json: Array("{}".utf8)) }
    }
}
