// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Finds the host of an upstream, which is what limits per upstream count.
enum UpstreamHost {
    /// The host of an address such as `rsync://host:873/module/`, `host::module/`, `user@host:path/` or `https://host/`.
    ///
    /// - Parameter upstream: The upstream as it is configured.
    /// - Returns: The host in small letters, without its port; empty when there is none, as for a local path.
    static func of(_ upstream: String) -> String {
        var rest = Substring(upstream)
        if let scheme = rest.firstRange(of: "://") {
            rest = rest[scheme.upperBound...]
            rest = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        } else {
            // A slash before the first colon means a local path, as rsync has it.
            guard let colon = rest.firstIndex(of: ":"), !rest[..<colon].contains("/") else { return "" }
            if !rest.hasPrefix("["), !rest.contains("@[") { rest = rest[..<colon] }
        }
        if let at = rest.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
        if rest.first == "[" {
            rest = rest.dropFirst().prefix { $0 != "]" }
        } else {
            rest = rest.prefix { $0 != ":" }
        }
        return rest.lowercased()
    }
}
