// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import NIOCore
import NodeSupport
import Testing

@testable import FrontDoor

@Suite("PROXY protocol, version 2")
struct ProxyHeaderTests {
    static func header(command: UInt8 = 0x21, family: UInt8 = 0x11, _ body: [UInt8]) -> [UInt8] {
        ProxyHeader.signature + [command, family, UInt8(body.count >> 8), UInt8(body.count & 0xFF)] + body
    }

    static let version4: [UInt8] = [192, 0, 2, 9, 10, 0, 0, 1, 0x30, 0x39, 0x03, 0xE1]
    static let version6: [UInt8] =
        [0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5] + [UInt8](repeating: 0, count: 20)

    private func read(_ bytes: [UInt8]) throws(ProxyHeader.Fault) -> (ProxyHeader?, rest: Int) {
        var input = ByteBuffer(bytes: bytes)
        let header = try ProxyHeader.read(from: &input)
        return (header, input.readableBytes)
    }

    @Test func aClientsAddressIsRead() throws {
        #expect(try read(Self.header(Self.version4)) == (.client("192.0.2.9"), 0))
        #expect(try read(Self.header(family: 0x21, Self.version6)) == (.client("2001:db8::5"), 0))
    }

    @Test func whatFollowsIsLeftAndAdditionsAreSkipped() throws {
        let header = Self.header(Self.version4 + [4, 0, 1, 0])
        #expect(try read(header + [1, 2, 3]) == (.client("192.0.2.9"), 3))
    }

    @Test func aBalancerMaySpeakForItself() throws {
        #expect(try read(Self.header(command: 0x20, family: 0, [])) == (.local, 0))
        #expect(try read(Self.header(command: 0x20, Self.version4)) == (.local, 0))
        #expect(try read(Self.header(family: 0, [])) == (.local, 0))
    }

    @Test func aTruncatedHeaderWaitsForItsRest() throws {
        let whole = Self.header(Self.version4)
        for count in 0..<whole.count { #expect(try read(Array(whole[..<count])) == (nil, count)) }
    }

    @Test(arguments: [
        Array("GET / HTTP/1.1\r\n".utf8), Array("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n".utf8), [0x16, 3, 1],
        header(command: 0x11, version4), header(command: 0x22, version4), header(family: 0x31, version4),
        header(Array(version4.dropLast())), header(family: 0x21, version4),
        header([UInt8](repeating: 0, count: 4_000)),
    ])
    func whatIsNoHeaderIsRefused(bytes: [UInt8]) {
        #expect(throws: ProxyHeader.Fault.self) { _ = try read(bytes) }
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("192.0.2.7", "192.0.2.7", true),
        ("192.0.2.7", "192.0.2.6", false), ("0.0.0.0/0", "8.8.8.8", true), ("10.0.0.0/8", "::ffff:10.1.1.1", true),
        ("2001:db8::/33", "2001:db8:7fff::1", true), ("2001:db8::/33", "2001:db8:8000::1", false),
        ("::1", "127.0.0.1", false), ("127.0.0.0/8", "unknown", false), ("fe80::/10", "fe80::1%eth0", true),
    ])
    func rangesHoldAddresses(range: String, address: String, isInside: Bool) throws {
        #expect(try AddressRange(parsing: range).contains(address) == isInside)
    }

    @Test(arguments: ["", "10.0.0.0/33", "10.0.0.0/-1", "x", "10.0.0", "::1/129", "10.0.0.0/8/8", "1.2.3.4/"])
    func whatIsNoRangeIsRefused(text: String) {
        #expect(throws: NodeError.self) { try AddressRange(parsing: text) }
    }
}
