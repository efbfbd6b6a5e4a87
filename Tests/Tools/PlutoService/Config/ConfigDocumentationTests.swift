// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Foundation
import Testing

/// The documentation names every key that the reader asks for.
@Suite struct ConfigDocumentationTests {
    private static let root: URL = {
        var root = URL(filePath: #filePath)
        for _ in 0..<5 { root.deleteLastPathComponent() }
        return root
    }()

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    @Test func everyKeyIsDocumented() throws {
        let folder = "Sources/Tools/Support/PlutoService/Config/Reading"
        let source = try text("\(folder)/ConfigReader.swift") + text("\(folder)/ConfigReader+Distributor.swift")
        let asking =
            /\.(?:text|texts|integer|boolean|address|networks|required\w+|sections?)\("(\w+)"|(?:public|listen): "(\w+)"/
        let keys = Set(source.matches(of: asking).compactMap { ($0.1 ?? $0.2).map(String.init) })
        try #require(keys.count > 60, "the pattern finds too little: \(keys.sorted())")
        let documentation = try text("docs/configuration.md")
        for key in keys.sorted() {
            let isTable = documentation.contains("[\(key)") || documentation.contains(".\(key)")
            #expect(documentation.contains("`\(key)`") || isTable, "docs/configuration.md does not tell of \(key)")
        }
    }

    private func text(_ path: String) throws -> String { try Self.text(path) }
}
