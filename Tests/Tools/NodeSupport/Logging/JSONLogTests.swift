// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import Logging
@testable import NodeSupport
import Testing

@Suite struct JSONLogTests {
    private static let time = LogTime(seconds: 1_767_225_599, milliseconds: 42)

    private func logger(_ pipe: Pipe, level: Logger.Level = .trace) -> Logger {
        Logger(label: "imap") { label in
            JSONLogHandler(label: label, node: "n1", level: level, output: pipe.output) { Self.time }
        }
    }

    @Test func writesTheKeysInOrder() throws {
        let pipe = Pipe()
        logger(pipe).notice("hello", metadata: ["zeta": "1", "alpha": "2"])
        #expect(
            pipe.lines() == [
                #"{"ts":"2025-12-31T23:59:59.042Z","level":"notice","logger":"imap","node":"n1","msg":"hello","alpha":"2","zeta":"1"}"#
            ])
    }

    @Test func everyScalarSurvivesAParser() throws {
        let pipe = Pipe()
        var texts = (0..<0x300).compactMap { Unicode.Scalar(UInt32($0)).map { "a\($0)b" } }
        texts += ["\u{2028}\u{2029}", "\u{FEFF}", "🦆", "e\u{301}", "\u{10FFFF}", #"\"\n"#, "</script>", "\r\n"]
        texts.append(String(decoding: [0x61, 0xFF, 0xC0, 0x80, 0xED, 0xA0, 0x80, 0x62] as [UInt8], as: UTF8.self))
        for text in texts {
            logger(pipe).info("\(text)", metadata: ["k": "\(text)", "\(text)": "v"])
            let lines = pipe.lines()
            #expect(lines.count == 1)
            let object = try JSONValue.object(try #require(lines.first))
            #expect(object["msg"] == .string(text))
            #expect(object["k"] == .string(text))
            #expect(object[text] == .string("v"))
            #expect(lines[0].unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) })
        }
    }

    @Test func keepsNumbersAndTruthAndFlattensTheRest() throws {
        let pipe = Pipe()
        logger(pipe).info(
            "m",
            metadata: [
                "int": .stringConvertible(-3), "big": .stringConvertible(UInt64.max), "yes": .stringConvertible(true),
                "half": .stringConvertible(0.5), "nan": .stringConvertible(Double.nan), "list": ["a", ["b", "c"]],
                "a": ["b": ["c": "deep"], "d": .stringConvertible(7)], "empty": [:],
            ])
        let line = try #require(pipe.lines().first)
        let object = try JSONValue.object(line)
        #expect(object["int"] == .number(-3))
        #expect(line.contains(#""big":18446744073709551615"#))
        #expect(object["yes"] == .truth(true))
        #expect(object["half"] == .number(0.5))
        #expect(object["nan"] == .string("nan"))
        #expect(object["list"] == .list([.string("a"), .string("[b, c]")]))
        #expect(object["a.b.c"] == .string("deep"))
        #expect(object["a.d"] == .number(7))
        #expect(object["empty"] == .string("{}"))
    }

    @Test func ownKeysCannotBeOverwritten() throws {
        let pipe = Pipe()
        logger(pipe).info("real", metadata: ["msg": "fake", "level": "fake", "a.b": "1", "a": ["b": "2"]])
        let object = try JSONValue.object(try #require(pipe.lines().first))
        #expect(object["msg"] == .string("real"))
        #expect(object["meta.msg"] == .string("fake"))
        #expect(object["meta.level"] == .string("fake"))
        #expect(object["a.b"] == .string("2"))
        #expect(object["meta.a.b"] == .string("1"))
    }

    @Test func secretsNeverAppear() throws {
        let pipe = Pipe()
        var log = logger(pipe)
        log[metadataKey: "token"] = "hunter2"
        log.info(
            "login \(Redacted("hunter2"))",
            metadata: [
                "password": "hunter2", "Secret": "hunter2", "authorization": ["hunter2"], "key": ["inner": "hunter2"],
                "api_key": "hunter2", "clientSecret": "hunter2", "user-password": .stringConvertible(2),
                "outer": ["password": "hunter2"], "list": [["token": "hunter2", "fine": "shown"]],
                "wrapped": .stringConvertible(Redacted("hunter2")), "monkey": "banana",
            ])
        let line = try #require(pipe.lines().first)
        #expect(!line.contains("hunter2"))
        let object = try JSONValue.object(line)
        #expect(object["msg"] == .string("login <redacted>"))
        for key in [
            "token", "password", "Secret", "key.inner", "api_key", "clientSecret", "user-password", "outer.password",
        ] {
            #expect(object[key] == .string("<redacted>"), "\(key)")
        }
        #expect(object["list"] == .list([.string("{fine: shown, token: <redacted>}")]))
        #expect(object["monkey"] == .string("banana"))
    }

    @Test(arguments: [
        "password", "PASSWORD", "apiKey", "x.key", "key1.key", "a_secret_b", "accessToken", "Authorization",
    ])
    func namesOfSecretsAreKnown(key: String) {
        #expect(LogScrubber.isSensitive(key))
    }

    @Test(arguments: ["", "monkey", "keyboard", "user", "tokens_used_by", "secretary", "passwordless", "ключ"])
    func namesOfOtherThingsAreNot(key: String) {
        #expect(!LogScrubber.isSensitive(key))
    }

    @Test func redactedPrintsNothingInAnyForm() {
        let secret = Redacted("hunter2")
        var dumped = ""
        dump(secret, to: &dumped)
        #expect("\(secret)" == "<redacted>")
        #expect(String(reflecting: secret) == "<redacted>")
        #expect(String(describing: [secret]) == "[<redacted>]")
        #expect(!dumped.contains("hunter2"))
        #expect(secret.value == "hunter2")
    }

    @Test func errorsOfEventsAreMetadata() throws {
        let pipe = Pipe()
        logger(pipe).error("m", error: NodeError(.fileMissing, "gone\n"))
        #expect(try JSONValue.object(try #require(pipe.lines().first))["error"] == .string("gone\n"))
    }

    @Test func longStringsAreCut() throws {
        let pipe = Pipe()
        logger(pipe).info("\(String(repeating: "ä", count: 10_000))")
        let line = try #require(pipe.lines().first)
        #expect(line.utf8.count < JSONLine.maximumStringBytes + 200)
        guard case .string(let text) = try JSONValue.object(line)["msg"] else {
            Issue.record("no message")
            return
        }
        #expect(text.hasSuffix("ä…"))
    }

    @Test func deepMetadataEnd() throws {
        let pipe = Pipe()
        var value: Logger.MetadataValue = "bottom"
        for _ in 0..<1_000 { value = ["a": value] }
        logger(pipe).info("m", metadata: ["a": value])
        _ = try JSONValue.object(try #require(pipe.lines().first))
    }

    @Test func levelsBelowTheSetOneAreSilent() {
        let pipe = Pipe()
        let log = logger(pipe, level: .warning)
        log.info("no")
        log.warning("yes")
        log.critical("yes")
        #expect(pipe.lines().count == 2)
    }

    @Test func handlersHaveValueSemantics() throws {
        let pipe = Pipe()
        var first = logger(pipe)
        first[metadataKey: "who"] = "first"
        var second = first
        second[metadataKey: "who"] = "second"
        second.logLevel = .error
        first.info("m")
        #expect(try JSONValue.object(try #require(pipe.lines().first))["who"] == .string("first"))
    }

    @Test func linesOfManyThreadsDoNotMix() async throws {
        let pipe = Pipe()
        let log = logger(pipe)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask { for index in 0..<25 { log.info("m", metadata: ["id": "\(task)-\(index)"]) } }
            }
        }
        var ids: Set<String> = []
        for line in pipe.lines() {
            if case .string(let id)? = try JSONValue.object(line)["id"] { ids.insert(id) }
        }
        #expect(ids.count == 200)
    }

    @Test func aFullPipeDropsLinesAndCountsThem() {
        let pipe = Pipe()
        _ = fcntl(pipe.writeEnd, F_SETFL, O_NONBLOCK)
        let log = logger(pipe)
        let text = String(repeating: "x", count: 7_000)
        // The pipe holds 64 KiB; what comes after that waits a little and is dropped.
        for _ in 0..<12 { log.info("\(text)") }
        #expect(pipe.output.droppedLines > 0)
    }

    @Test(arguments: ["trace", "debug", "info", "notice", "warning", "error", "critical"])
    func readsLevelNames(name: String) throws {
        #expect(try LogLevel.parse(name).rawValue == name)
    }

    @Test(arguments: ["", "INFO", "warn", "info ", "\u{1B}[31m"])
    func refusesOtherLevelNames(name: String) {
        let error = #expect(throws: NodeError.self) { try LogLevel.parse(name) }
        #expect(error?.code == .logLevelUnknown)
        #expect(error?.message.contains("trace, debug") == true)
        #expect(error?.message.contains("\u{1B}") == false)
    }

    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00.007Z"), (951_782_400, "2000-02-29T00:00:00.007Z"),
        (951_868_799, "2000-02-29T23:59:59.007Z"), (951_868_800, "2000-03-01T00:00:00.007Z"),
        (1_709_164_800, "2024-02-29T00:00:00.007Z"), (4_107_542_399, "2100-02-28T23:59:59.007Z"),
        (4_107_542_400, "2100-03-01T00:00:00.007Z"), (-1, "1969-12-31T23:59:59.007Z"),
        (253_402_300_799, "9999-12-31T23:59:59.007Z"),
    ])
    func formatsInstants(seconds: Int64, text: String) {
        #expect(LogTime(seconds: seconds, milliseconds: 7).description == text)
    }

    @Test func theFactoryMakesALoggerOfOurs() throws {
        let pipe = Pipe()
        JSONLogHandler.logger(label: "l", node: "n", level: .info, output: pipe.output).error("m")
        let object = try JSONValue.object(try #require(pipe.lines().first))
        #expect(object["logger"] == .string("l"))
        #expect(object["node"] == .string("n"))
        #expect(object["level"] == .string("error"))
    }
}
