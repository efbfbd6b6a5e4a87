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
}
