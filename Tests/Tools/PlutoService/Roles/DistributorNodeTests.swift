// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import FrontDoor
import NodeSupport
@testable import PlutoService
import Testing

@Suite struct DistributorNodeTests {
    private func settings(_ lines: String) throws -> DistributorSettings {
        let text = """
            RootCertLoc = "root.pem"
            [Distributor]
            Name = "distributor"
            PublicMailAddr = "127.0.0.1:1993"
            PublicCertLoc = "public.pem"
            PublicKeyLoc = "public-key.pem"
            InternalCertLoc = "internal.pem"
            InternalKeyLoc = "internal-key.pem"
            AuthAdapter = "AuthFile"
            \(lines)
            [Distributor.AuthFile]
            File = "users"
            [Workers.worker-1]
            Name = "worker-1"
            PublicMailAddr = "127.0.0.1:20001"
            CertLoc = "worker-1.pem"
            KeyLoc = "worker-1-key.pem"
            UserStart = 1
            UserEnd = 10
            CRDTLayerRoot = "data"
            """
        let (configuration, problems) = ClusterConfiguration.examine(Array(text.utf8), file: "config.toml")
        return try #require(configuration, "\(problems)").distributor()
    }

    /// ProxySources was read and checked, and then everybody was believed.
    @Test func onlyTheNamedBalancersAreBelieved() throws {
        let proxies = try DistributorNode.trustedProxies(
            settings("ProxyProtocol = true\nProxySources = [\"10.0.0.0/8\", \"2001:db8::1\"]"))
        func isBelieved(_ address: String) -> Bool { proxies.contains { $0.contains(address) } }
        #expect(isBelieved("10.9.8.7") && isBelieved("2001:db8::1"))
        #expect(!isBelieved("11.0.0.1") && !isBelieved("127.0.0.1") && !isBelieved("2001:db8::2"))
    }

    @Test func nobodyIsBelievedWithoutTheProxyProtocolAndEverybodyWithoutSources() throws {
        #expect(try DistributorNode.trustedProxies(settings("")).isEmpty)
        let everybody = try DistributorNode.trustedProxies(settings("ProxyProtocol = true"))
        #expect(everybody.contains { $0.contains("192.0.2.1") } && everybody.contains { $0.contains("2001:db8::2") })
    }
}
