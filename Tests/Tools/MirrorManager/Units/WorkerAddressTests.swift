// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import MirrorConfig
@testable import MirrorManager
import Testing

@Suite struct WorkerAddressTests {
    @Test(arguments: [
        ("http://h", "h", 80, ""), ("https://H.example/", "h.example", 443, "/"),
        ("HTTP://h:6000/a/b", "h", 6000, "/a/b"),
        ("http://[::1]:8/", "::1", 8, "/"), ("http://127.0.0.1:1", "127.0.0.1", 1, ""),
        ("http://a_b-c.d:65535/", "a_b-c.d", 65_535, "/"),
    ])
    func urlsAreTakenApart(_ url: String, _ host: String, _ port: Int, _ path: String) throws {
        let address = try #require(WorkerAddress(url))
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.path == path)
    }

    @Test(arguments: [
        "", "h:80", "ftp://h/", "http:/h", "http://", "http://:80/", "http://user@h/", "http://user:pw@h/",
        "http://h:0/",
        "http://h:65536/", "http://h:80x/", "http://h:/", "http://h/?q", "http://h/#f", "http://h\\@g/", "http://h /",
        "http://h\n/", "http://[::1/", "http://[h]/", "http://[::1]x/", "http://é/", "http://h%41/", "http://h?@g/",
        "file:///etc/passwd", "gopher://h/", "http://h/\\..",
    ])
    func otherTextsAreRefused(_ url: String) { #expect(WorkerAddress(url) == nil) }

    private func judge(
        _ url: String, allowed: [String] = [], legacy: Bool = false, peer: String = "203.0.113.5",
        found: [String]? = nil
    ) -> String? {
        var settings = TestManager.open
        settings.allowsLegacy = legacy
        settings.allowedWorkerURLs = allowed
        let rules = WorkerAddressGuard(settings)
        // A refusal is what is asked about.
        return try? rules.judge(url, peer: peer) { found ?? [$0] }.target
    }

    @Test func withoutAListOnlyLoopbackIsAllowed() {
        #expect(judge("http://127.0.0.1:6000/") == "127.0.0.1")
        #expect(judge("http://[::1]:6000/") == "::1")
        #expect(judge("http://localhost/", found: ["127.0.0.1", "::1"]) == "127.0.0.1")
        for address in ["10.0.0.1", "192.168.1.1", "169.254.169.254", "8.8.8.8", "[fe80::1]", "0.0.0.0", "[::]"] {
            #expect(judge("http://\(address)/") == nil)
        }
        #expect(judge("http://rebound.example/", found: ["127.0.0.1", "10.0.0.1"]) == nil)
        #expect(judge("http://gone.example/", found: []) == nil)
    }

    @Test func oldPeersMayNameTheirOwnAddressWhenTheyAreAllowed() {
        #expect(judge("http://203.0.113.5:6000/", legacy: true) == "203.0.113.5")
        #expect(judge("http://[::ffff:203.0.113.5]:6000/", legacy: true) == "::ffff:203.0.113.5")
        #expect(judge("http://w.example/", legacy: true, found: ["203.0.113.9", "203.0.113.5"]) == "203.0.113.5")
        #expect(judge("http://203.0.113.5:6000/", legacy: false) == nil)
        #expect(judge("http://203.0.113.6:6000/", legacy: true) == nil)
        #expect(judge("http://169.254.169.254/", legacy: true, peer: "169.254.169.254") == nil)
    }

    @Test func withAListOnlyItsEntriesAreAllowed() {
        let allowed = ["http://w.example:6000", "https://10.0.0.7:6000/", "http://169.254.1.1:80"]
        #expect(judge("http://w.example:6000/x", allowed: allowed, found: ["10.0.0.8"]) == "10.0.0.8")
        #expect(judge("https://10.0.0.7:6000/", allowed: allowed) == "10.0.0.7")
        #expect(judge("http://169.254.1.1/", allowed: allowed) == "169.254.1.1")
        for url in [
            "http://w.example:60000/", "https://w.example:6000/", "http://w.example.evil:6000/",
            "http://127.0.0.1:6000/",
            "http://10.0.0.7:6000/", "http://w.example/",
        ] {
            #expect(judge(url, allowed: allowed, legacy: true, found: ["203.0.113.5"]) == nil)
        }
        // The name is allowed, but not what somebody made of it.
        #expect(judge("http://w.example:6000/", allowed: allowed, found: ["169.254.169.254"]) == nil)
        #expect(judge("http://w.example:6000/", allowed: allowed, found: ["224.0.0.1", "10.1.1.1"]) == "10.1.1.1")
    }

    @Test func aListThatCannotBeReadAllowsNothing() {
        #expect(judge("http://127.0.0.1:6000/", allowed: ["nonsense"], legacy: true) == nil)
    }
}
