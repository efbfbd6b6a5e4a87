// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension ConfigSection {
    /// What an address is for, which decides what it may be.
    package enum AddressUse: Sendable {
        /// To listen on: `0.0.0.0` and `[::]` mean all interfaces, and so does a host left out (`:993`), as the
        /// original's language had it.
        case listening
        /// For others to connect to: a real host.
        case connecting
    }

    /// Reads `HOST:PORT`.
    ///
    /// Port 0 is refused: others could not know which port was found.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - use: What the address is for.
    /// - Returns: The address; `nil` when it is absent, empty or wrong. A wrong one is reported.
    package func address(_ key: String, for use: AddressUse) -> Located<HostPort>? {
        guard let found = text(key), !found.value.isEmpty else { return nil }
        return parse(found, key: key, use: use)
    }

    /// Reads `HOST:PORT` that must be there.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - use: What the address is for.
    /// - Returns: The address; `nil` when it is absent, empty or wrong, which is reported.
    package func requiredAddress(_ key: String, for use: AddressUse) -> Located<HostPort>? {
        requiredText(key).flatMap { parse($0, key: key, use: use) }
    }

    /// Reads a list of addresses and networks, such as `["192.0.2.1", "10.0.0.0/8"]` (RFC 4632).
    ///
    /// - Parameter key: The key.
    /// - Returns: The texts as written; `nil` when the key is absent or one of them is wrong, which is reported.
    package func networks(_ key: String) -> Located<[String]>? {
        guard let found = texts(key) else { return nil }
        for text in found.value where !Self.isNetwork(text) {
            error(
                found.line,
                "\(key) holds \"\(text.unicodeScalars.prefix(80).map { $0.escaped(asASCII: false) }.joined())\", "
                    + "which is neither an IP address nor a network such as 10.0.0.0/8")
            return nil
        }
        return found
    }

    private static func isNetwork(_ text: String) -> Bool {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let bytes = IPAddress.version4Bytes(parts[0]) ?? IPAddress.version6Bytes(parts[0]) else { return false }
        guard parts.count == 2 else { return true }
        guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let bits = Int(parts[1]) else { return false }
        return bits <= bytes.count * 8
    }

    private func parse(_ found: Located<String>, key: String, use: AddressUse) -> Located<HostPort>? {
        let isHostless = found.value.hasPrefix(":") && !found.value.dropFirst().contains(":")
        let text = isHostless && use == .listening ? "0.0.0.0" + found.value : found.value
        let address: HostPort
        do {
            address = try HostPort(parsing: text)
        } catch {
            self.error(found.line, "\(key): \(error.message)")
            return nil
        }
        if address.port == 0 {
            self.error(found.line, "\(key) has port 0, which nobody can connect to; give a port from 1 to 65535")
            return nil
        }
        if use == .connecting, address.isWildcard {
            self.error(
                found.line,
                "\(key) is \(address), which means all interfaces and nobody can connect to; give the host's own "
                    + "address or name")
            return nil
        }
        return Located(address, line: found.line)
    }
}

extension HostPort {
    /// Whether the host means all interfaces.
    package var isWildcard: Bool {
        guard let bytes = IPAddress.version4Bytes(host) ?? IPAddress.version6Bytes(host) else { return false }
        return bytes.allSatisfy { $0 == 0 }
    }
}
