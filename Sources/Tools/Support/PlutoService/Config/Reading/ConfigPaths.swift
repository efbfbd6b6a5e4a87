// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// Where relative paths of a configuration begin.
///
/// They are relative to the directory of the configuration file, wherever the process was started. (The original made
/// them absolute against a directory that had to be called `pluto`.)
struct ConfigPaths {
    /// The directory of the configuration file, absolute.
    let directory: String

    /// - Parameter file: The configuration file, absolute or relative to the working directory.
    init(file: String) {
        let absolute = file.hasPrefix("/") ? file : Self.workingDirectory() + "/" + file
        let slash = absolute.lastIndex(of: "/") ?? absolute.startIndex
        directory = slash == absolute.startIndex ? "/" : Self.simplified(String(absolute[..<slash]))
    }

    /// The absolute path of what the file names.
    func resolve(_ path: String) -> String {
        Self.simplified(path.hasPrefix("/") ? path : directory + "/" + path)
    }

    /// Without empty components and `.`; `..` stays, because a symbolic link may be before it.
    private static func simplified(_ path: String) -> String {
        "/" + path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    private static func workingDirectory() -> String {
        guard let buffer = getcwd(nil, 0) else { return "" }
        defer { free(buffer) }
        return String(cString: buffer)
    }
}
