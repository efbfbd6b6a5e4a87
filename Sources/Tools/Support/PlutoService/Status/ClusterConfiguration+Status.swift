// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport
internal import PeerTransport

extension ClusterConfiguration {
    /// Where the nodes serve their metrics, and with them their status: those that have a `PrometheusAddr`.
    ///
    /// A node that listens on all interfaces is asked at the host of its public mail address.
    package var statusAddresses: [(name: String, address: HostPort)] {
        let all: [(NodeIdentity, HostPort?, HostPort)] =
            distributors.map { ($0.identity, $0.metrics, $0.mailPublic) }
            + workers.map { ($0.identity, $0.metrics, $0.mailPublic) }
            + (storage.map { [($0.identity, $0.metrics, $0.mailPublic)] } ?? [])
        return all.compactMap { identity, metrics, mail in
            metrics.map { address in
                (
                    identity.name,
                    address.isWildcard ? HostPort(host: mail.host, port: UInt16(clamping: address.port)) : address
                )
            }
        }
    }
}
