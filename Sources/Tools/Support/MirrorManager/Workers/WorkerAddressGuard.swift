// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorConfig

/// Decides where the manager may post to: nowhere that an administrator did not allow.
///
/// With a list, a worker's URL must have the scheme, host and port of an entry. Without one it must lead to this machine's
/// loopback, or, where peers without tokens are allowed, to the very address that the worker registered from. A name is
/// looked up each time and the request goes to the address that was judged, so that no later answer of a name server counts.
struct WorkerAddressGuard: Sendable {
    private let allowed: [WorkerAddress]
    private let hasList: Bool
    private let allowsLegacy: Bool

    init(_ settings: ManagerSettings) {
        allowed = settings.allowedWorkerURLs.compactMap { WorkerAddress($0) }
        hasList = !settings.allowedWorkerURLs.isEmpty
        allowsLegacy = settings.allowsLegacy
    }

    /// Judges a URL.
    ///
    /// - Parameters:
    ///   - url: the worker's URL.
    ///   - peer: the address that the worker registered from.
    ///   - addresses: what its host is; asked for once.
    /// - Returns: the URL's parts and the address to connect to.
    /// - Throws: `invalid`, in words for whoever registers.
    func judge(
        _ url: String, peer: String, addresses: (String) -> [String]
    ) throws(Refusal) -> (address: WorkerAddress, target: String) {
        guard let address = WorkerAddress(url) else {
            throw .invalid("the worker's URL must be http://HOST:PORT/ or https://HOST:PORT/")
        }
        let isListed = allowed.contains { $0.isSameServer(as: address) }
        guard isListed || !hasList else {
            throw .invalid("the worker's URL is not among those that the manager's configuration allows")
        }
        let found = addresses(address.host)
        guard !found.isEmpty else { throw .invalid("the host of the worker's URL has no address") }
        // An administrator who lists an address in numbers means it.
        if isListed && address.isLiteral { return (address, address.host) }
        let fit = found.filter { !AddressRules.isUnfit($0) }
        let target: String?
        if isListed {
            target = fit.first
        } else if found.allSatisfy(AddressRules.isLoopback) {
            target = fit.first
        } else if allowsLegacy {
            target = fit.first { AddressRules.isSame($0, peer) }
        } else {
            target = nil
        }
        guard let target else {
            throw .invalid("the worker's URL leads to an address that the manager's configuration does not allow")
        }
        return (address, target)
    }
}
