// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Foundation

/// A page of documentation in which a program writes only between two marks.
public enum MarkedPage {
    /// Replaces what stands between the marks of a name.
    ///
    /// - Parameters:
    ///   - page: the page.
    ///   - name: the name in the marks `<!-- begin NAME -->` and `<!-- end NAME -->`.
    ///   - text: what to put between them.
    /// - Returns: the new page; nil when it does not have both marks.
    public static func replace(in page: String, between name: String, with text: String) -> String? {
        guard let head = page.range(of: "<!-- begin \(name) -->"),
            let tail = page.range(of: "<!-- end \(name) -->", range: head.upperBound..<page.endIndex)
        else { return nil }
        return "\(page[..<head.upperBound])\n\n\(text)\n\(page[tail.lowerBound...])"
    }

    /// The names of all marks of a page that begin somewhere and end later.
    ///
    /// - Parameter page: the page.
    /// - Returns: the names in the order of the page.
    public static func names(in page: String) -> [String] {
        page.components(separatedBy: "<!-- begin ").dropFirst().compactMap { rest in
            guard let end = rest.range(of: " -->") else { return nil }
            let name = String(rest[..<end.lowerBound])
            return content(of: page, between: name) == nil ? nil : name
        }
    }

    /// What stands between the marks of a name.
    ///
    /// - Parameters:
    ///   - page: the page.
    ///   - name: the name in the marks.
    /// - Returns: the text without the white space around it; nil when the page does not have both marks.
    public static func content(of page: String, between name: String) -> String? {
        guard let head = page.range(of: "<!-- begin \(name) -->"),
            let tail = page.range(of: "<!-- end \(name) -->", range: head.upperBound..<page.endIndex)
        else { return nil }
        return page[head.upperBound..<tail.lowerBound].trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
