// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

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
    /// - Returns: Arguments of ours. Those that are not the original's come back as they are; so do those that
    ///   contradict each other, for the parser to refuse.
    package static func translate(_ arguments: [String]) -> [String] {
        guard let first = arguments.first, name(of: first).map(flags.contains) == true else { return arguments }
        var role: [String] = []
        var options: [String] = []
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard let name = name(of: argument), flags.contains(name) else { return arguments }
            let attached = argument.firstIndex(of: "=").map { String(argument[argument.index(after: $0)...]) }
            switch name {
            case "distributor", "storage":
                if let attached, !["true", "1", "t"].contains(attached.lowercased()) { continue }
                role += [name]
            case "worker", "config", "loglevel":
                guard let value = attached ?? rest.popFirst() else { return arguments }
                if name == "worker" { role += [name, value] }
                if name == "config" { options += ["--config", value] }
                if name == "loglevel" { options += ["--log-level", level(value)] }
            default: return arguments
            }
        }
        // Two roles are too many words for any command, which the parser says.
        return role.isEmpty ? arguments : role + options
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
