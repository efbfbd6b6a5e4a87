// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport

/// The command line of the original, put into the words of ours.
///
/// The original has one dash and no commands: `-distributor`, `-worker NAME`, `-storage`, `-config FILE`,
/// `-loglevel LEVEL` (pluto.md section 4.2). As the flag package of Go reads them: one dash or two, the value behind `=`
/// or as the next argument.
package enum OriginalArguments {
    private static let flags: Set<String> = ["distributor", "worker", "storage", "config", "loglevel"]

    /// Translates a command line, if it is one of the original's.
    ///
    /// - Parameter arguments: The arguments without the program's name.
    /// - Returns: Arguments of ours. Those that do not begin with a flag of the original come back as they are.
    /// - Throws: ``NodeError`` with `argumentsUnusable`, when they begin like the original's but make no sense: no role or
    ///   two, a flag without its value, something that is not among the original's flags.
    package static func translate(_ arguments: [String]) throws(NodeError) -> [String] {
        guard let first = arguments.first, name(of: first).map(flags.contains) == true else { return arguments }
        var roles: [[String]] = []
        var options: [String] = []
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard let name = name(of: argument), flags.contains(name) else {
                throw unusable("\(Self.shown(argument)) is not among the flags that go with \(first)")
            }
            let attached = argument.firstIndex(of: "=").map { String(argument[argument.index(after: $0)...]) }
            if name == "distributor" || name == "storage" {
                if let attached, !["true", "1", "t"].contains(attached.lowercased()) { continue }
                roles.append([name])
                continue
            }
            guard let value = attached ?? rest.popFirst() else { throw unusable("-\(name) needs a value") }
            switch name {
            case "worker": roles.append([name, value])
            case "config": options += ["--config", value]
            default: options += ["--log-level", level(value)]
            }
        }
        guard roles.count == 1 else {
            throw unusable(roles.isEmpty ? "no node is named" : "more than one node is named; a process runs one")
        }
        return roles[0] + options
    }

    private static func unusable(_ reason: String) -> NodeError {
        NodeError(
            .argumentsUnusable,
            reason
                + "; give one of -distributor, -worker NAME and -storage, and -config FILE and -loglevel LEVEL if needed"
        )
    }

    private static func shown(_ argument: String) -> String {
        "\"" + argument.unicodeScalars.prefix(80).map { $0.escaped(asASCII: false) }.joined() + "\""
    }

    private static func level(_ original: String) -> String {
        original.lowercased() == "warn" ? "warning" : original
    }

    private static func name(of argument: String) -> String? {
        guard argument.hasPrefix("-"), argument != "-", argument != "--" else { return nil }
        let flag = argument.dropFirst(argument.hasPrefix("--") ? 2 : 1)
        return String(flag.prefix { $0 != "=" })
    }
}

extension NodeError.Code {
    /// The command line makes no sense.
    package static let argumentsUnusable = NodeError.Code("argumentsUnusable")
}
