// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The command lines of tunasync's programs, whose long options may have one dash or two.
enum OriginalArguments {
    /// Their long options.
    private static let options: Set<String> = [
        "config", "addr", "port", "cert", "key", "db-file", "db-type", "verbose", "debug", "with-systemd", "pidfile",
        "prof-path", "manager", "ca-cert", "all", "status", "format", "worker", "force", "help", "version",
    ]

    /// Puts a second dash before a long option that has one only.
    ///
    /// What follows `--` and the values of options stay what they are.
    ///
    /// - Parameter arguments: the arguments without the program's name.
    /// - Returns: the same in our words.
    static func translate(_ arguments: [String]) -> [String] {
        var translated: [String] = []
        var isOver = false
        for argument in arguments {
            if argument == "--" { isOver = true }
            let name = argument.dropFirst().prefix { $0 != "=" }
            let isLong = argument.hasPrefix("-") && !argument.hasPrefix("--") && options.contains(String(name))
            translated.append(isLong && !isOver ? "-" + argument : argument)
        }
        return movingCommonOptions(translated)
    }

    /// Puts options of `ctl` that stand before its sub-command behind it, where they are declared.
    private static func movingCommonOptions(_ arguments: [String]) -> [String] {
        guard arguments.first == "ctl" else { return arguments }
        let withValues: Set<String> = [
            "-c", "--config", "-m", "--manager", "-p", "--port", "--ca-cert", "--token-file",
        ]
        var index = 1
        while index < arguments.count, withValues.contains(arguments[index]) || isFlag(arguments[index]) {
            index += withValues.contains(arguments[index]) ? 2 : 1
        }
        guard index > 1, index < arguments.count, !arguments[index].hasPrefix("-") else { return arguments }
        return ["ctl", arguments[index]] + arguments[1..<index] + arguments[(index + 1)...]
    }

    private static func isFlag(_ argument: String) -> Bool {
        ["-v", "--verbose", "--debug"].contains(argument) || argument.hasPrefix("--") && argument.contains("=")
    }
}
