// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import NodeSupport
import Testing

@Suite struct HostPortTests {
    @Test(arguments: [
        ("127.0.0.1:143", "127.0.0.1", 143), ("[::1]:993", "::1", 993), ("[fe80::1%eth0]:1", "fe80::1%eth0", 1),
        ("localhost:0", "localhost", 0), ("mail.example.org:65535", "mail.example.org", 65535),
        ("0.0.0.0:00143", "0.0.0.0", 143), ("my_host:25", "my_host", 25), ("[::ffff:10.0.0.1]:7", "::ffff:10.0.0.1", 7),
    ])
    func parsesAddresses(text: String, host: String, port: Int) throws {
        let parsed = try HostPort(parsing: text)
        #expect(parsed.host == host)
        #expect(parsed.port == port)
        #expect(try HostPort(parsing: parsed.description) == parsed)
    }

    @Test(arguments: [
        ("", "port is missing"), ("127.0.0.1", "port is missing"), ("[::1]", "port is missing"),
        ("[::1:143", "bracket"), ("::1:143", "brackets"), ("[127.0.0.1]:1", "IPv6"), ("[]:1", "IPv6"),
        ("[fe80::1%]:1", "IPv6"), (":143", "host is missing"), ("a:", "number"), ("a:65536", "number"),
        ("a:-1", "number"), ("a:+1", "number"), ("a: 1", "number"), ("a:1 ", "number"), ("a:١", "number"),
        ("a:000143", "number"), ("999.1.1.1:1", "neither"), ("1.2.3:1", "neither"), ("-a:1", "neither"),
        ("a-:1", "neither"), ("a..b:1", "neither"), ("a b:1", "neither"), ("bücher:1", "neither"),
        ("a\u{0}b:1", "neither"), ("127.0.0.1\u{0}:1", "neither"), ("a\r\n:1", "neither"),
    ])
    func refusesWhatIsNoAddress(text: String, reason: String) {
        let error = #expect(throws: NodeError.self) { try HostPort(parsing: text) }
        #expect(error?.code == .addressInvalid)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        #expect(error?.message.unicodeScalars.allSatisfy { $0.value >= 0x20 } == true)
    }

    @Test func writesBracketsOnlyRoundVersion6() {
        #expect(HostPort(host: "::1", port: 5).description == "[::1]:5")
        #expect(HostPort(host: "127.0.0.1", port: 5).description == "127.0.0.1:5")
    }
}
