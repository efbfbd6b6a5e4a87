// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import MirrorConfig

/// Small languages inside values.
@Suite struct ValueTests {
    @Test(
        arguments: [
            ("0", 0), ("12", 12), ("1k", 1024), ("1K", 1024), ("1KB", 1024), ("1KiB", 1024), ("1 kib", 1024), ("3b", 3),
            ("0.5M", 524_288), ("1P", 1 << 50), ("", nil), ("k", nil), ("1x", nil), ("-1", nil), ("1..2", nil),
            (".5", nil),
            ("1.", nil), ("1  k", nil), ("1ki", 1024), ("1i", nil), ("9999999999P", nil), ("١k", nil), ("1e3", nil),
            ("99999999999999999999", nil), ("1kbb", nil),
        ] as [(String, Int64?)]) func bytesAreCounted(text: String, expected: Int64?)
    {
        #expect(ByteCount.parse(text) == expected)
    }

    @Test(arguments: 0..<50 as Range<UInt64>) func bytesAreWrittenAsTheyAreRead(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let bytes = Int64.random(in: 0...Int64.max >> Int64.random(in: 0...62, using: &generator), using: &generator)
        #expect(ByteCount.parse(ByteCount.text(bytes)) == bytes, "seed \(seed)")
        let round = bytes / 1024 * 1024
        #expect(ByteCount.parse(ByteCount.text(round)) == round, "seed \(seed)")
    }

    @Test(arguments: [
        ("rsync://Host.Example/m/", "host.example"), ("rsync://u:p@h:873/m/", "h"), ("host::m/", "host"),
        ("user@host::m/", "host"), ("user@host:path/", "host"), ("https://h:8443", "h"), ("https://[::1]:1/x", "::1"),
        ("rsync://u@[2001:DB8::1]/m/", "2001:db8::1"), ("/local/path/", ""), ("./a:b/", ""), ("", ""), ("local", ""),
        ("[::1]::m/", "::1"), ("https://h?x=/y", "h"), ("://", ""), ("@", ""), (":", ""), ("[", ""),
    ]) func hostsAreFound(upstream: String, host: String) {
        #expect(UpstreamHost.of(upstream) == host)
    }

    @Test(arguments: [
        ("/l/{{.Name}}", "/l/a b"), ("/l/{{ .Name }}/{{.Upstream}}", "/l/a b/u"), ("{{.Env.X}}{{.Env.Y}}", "1"),
        ("/l {{- .Name -}} /x", "/la b/x"), ("{{/* no */}}x", "x"), ("plain", "plain"),
        ("}}{", "}}{"), ("", ""),
    ]) func fieldsAreExpanded(text: String, expected: String) throws {
        let template = LogDirectoryTemplate(fields: ["Name": "a b", "Upstream": "u"], environment: ["X": "1"])
        #expect(try template.expand(text) == expected)
    }

    @Test(
        arguments: [
            ("{{", .unclosed), ("{{.Name}", .unclosed), ("{{.X}}", .unknownField(".X")),
            ("{{.Name.X}}", .unknownField(".Name.X")),
            ("{{}}", .unsupported("")), ("{{.}}", .unsupported(".")),
            ("{{.Name | html}}", .unsupported(".Name | html")),
            ("{{range .X}}", .unsupported("range .X")), ("{{/*}}", .unsupported("/*")),
        ] as [(String, LogDirectoryTemplate.Failure)]) func otherTemplatesAreRefused(
            text: String, failure: LogDirectoryTemplate.Failure
        )
    {
        let template = LogDirectoryTemplate(fields: ["Name": "n"], environment: [:])
        #expect(throws: failure) { try template.expand(text) }
    }

    @Test(
        arguments: [
            ("a b", ["a", "b"]), ("  a\t b\n", ["a", "b"]), ("'a b' c", ["a b", "c"]), ("\"a b\"c", ["a bc"]),
            ("a\\ b", ["a b"]),
            ("''", [""]), ("a''b", ["ab"]), ("\"a\\\"b\\c\"", ["a\"b\\c"]), ("'a\\b'", ["a\\b"]), ("", []),
            ("a # b\nc", ["a", "c"]),
            ("a#b", ["a#b"]), ("a\\\nb", ["ab"]), ("'a", nil), ("\"a", nil), ("a\\", nil), ("\"a\\", nil),
            ("é'ü'", ["éü"]),
        ] as [(String, [String]?)]) func wordsAreSplitAsAShellDoes(line: String, words: [String]?)
    {
        #expect(CommandWords.split(line) == words)
    }

    @Test(arguments: [
        ("a", 0), ("(a)", 1), ("(a)(b(c))", 3), ("(?:a)", 0), ("\\(a\\)", 0), ("[(]a", 0), ("[]()]", 0), ("[^](]", 0),
        ("(?P<n>a)", 1), ("(?<n>a)", 1), ("(?=a)", 0), ("(?i)a(b)", 1), ("[[:alpha:](]", 0), ("[[(]", 0),
        ("\\Q(\\E", 0),
    ]) func groupsAreCounted(pattern: String, count: Int) throws {
        #expect(try LogPattern(pattern).groupCount == count)
    }

    @Test(arguments: [
        "(", ")", "[a", "a**", "(?P<n", "\\", "a{2,1}", "(?<=a", "*",
    ]) func brokenPatternsAreRefused(pattern: String) {
        let error = #expect(throws: LogPattern.Failure.self) { try LogPattern(pattern) }
        #expect(error?.message.isEmpty == false)
        #expect(error?.message.contains("\n") == false)
    }

    @Test(
        arguments: [
            ("[]x]", "]", true), ("[^]]", "]", false), ("[[]", "[", true), ("a[&&b]", "a&", true),
            ("[a&&b]", "b", true),
            ("[+--]", "-", true), ("\\pL", "é", true), ("[\\pN]", "7", true), ("\\d", "\u{0661}", false),
            ("(?i)ERROR", "error", true), ("(?m)^b$", "a\nb\nc", true), ("^b", "a\nb", false), ("a.b", "a\nb", false),
            ("(?s)a.b", "a\nb", true), ("\\Q[a]\\E", "[a]", true), ("[[:digit:]]", "3", true), ("e", "e\u{301}", true),
        ]) func patternsMeanWhatTheyDoElsewhere(pattern: String, text: String, matches: Bool) throws
    {
        #expect(try (text.firstMatch(of: LogPattern(pattern).regex) != nil) == matches)
    }

    @Test func patternsMatchLogs() throws {
        let size = try LogPattern(#"Total size is ([0-9.]+[KMGTP]?)"#)
        let last = "x\nTotal size is 1.5G\nTotal size is 2.5G\n".matches(of: size.regex).last
        #expect(last?.output[1].substring == "2.5G")
    }

    @Test(
        arguments: [
            ("http://h", "http://h"), ("http://h/", "http://h"), ("https://h:1//", "https://h:1"),
            ("http://[::1]:80", "http://[::1]:80"),
            ("http://10.0.0.1:6000", "http://10.0.0.1:6000"), ("HTTP://h/x", "HTTP://h/x"), ("h:1", nil),
            ("ftp://h", nil), ("http://", nil),
            ("http://h:0", nil), ("http://h:x", nil), ("http://h:", nil), ("http://u@h", nil), ("http://h?x", nil),
            ("http://h x", nil),
            ("http://::1", nil), ("http://[h]", nil), ("http://[::1", nil), ("", nil), ("http://-h", nil),
        ] as [(String, String?)]) func addressesOfServers(text: String, expected: String?)
    {
        #expect(BaseURL.parse(text) == expected)
    }

    @Test func secretsAreNeverShown() {
        let secret = Secret("hush")
        #expect("\(secret)" == "(secret)")
        #expect(String(reflecting: secret) == "(secret)")
        #expect(SettingValue.secret(secret).description == "(secret)")
    }

    @Test func valuesAreWrittenAsTOML() {
        #expect(SettingValue.text("a\"b\\\n\t\u{1}é").description == #""a\"b\\\n\t\u0001é""#)
        #expect(SettingValue.list(["a", "b"]).description == #"["a", "b"]"#)
        #expect(SettingValue.numbers([1, -2]).description == "[1, -2]")
        #expect(SettingValue.boolean(true).description == "true")
    }
}
