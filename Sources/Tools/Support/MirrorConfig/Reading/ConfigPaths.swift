// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// Where relative paths of a configuration begin: in the directory of the file that names them.
///
/// (tunasync began in the directory where the process was started.)
struct ConfigPaths {
    /// The directory of the file, absolute.
    let directory: String

    /// - Parameter file: A configuration file, absolute or relative to the working directory.
    init(file: String) {
        let absolute = Self.absolute(file)
        let slash = absolute.lastIndex(of: "/") ?? absolute.startIndex
        directory = slash == absolute.startIndex ? "/" : String(absolute[..<slash])
    }

    /// The absolute path of what the file names.
    func resolve(_ path: String) -> String {
        Self.simplified(path.hasPrefix("/") ? path : directory + "/" + path)
    }

    /// The absolute path of what the command line names.
    static func absolute(_ path: String) -> String {
        simplified(path.hasPrefix("/") ? path : workingDirectory() + "/" + path)
    }

    /// Without empty components, `.` and what `..` takes back.
    static func simplified(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." {
                _ = parts.popLast()
            } else {
                parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }

    static func workingDirectory() -> String {
        guard let buffer = getcwd(nil, 0) else { return "" }
        defer { free(buffer) }
        return String(cString: buffer)
    }
}
