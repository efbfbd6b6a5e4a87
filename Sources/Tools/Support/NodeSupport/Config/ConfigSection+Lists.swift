// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension ConfigSection {
    /// Goes to the tables of an array of tables, such as `[[tokens]]`, or of a list of inline tables.
    ///
    /// - Parameter key: The array's name.
    /// - Returns: The tables in their order; empty when there are none. What is no table is reported.
    package func tables(_ key: String) -> [ConfigSection] {
        guard let value = take(key) else { return [] }
        guard case .list(let items) = value.kind else {
            wrongType(key, value, wanted: "a list of tables", remedy: "; write [[\(key)]] above each")
            return []
        }
        var found: [ConfigSection] = []
        for item in items {
            guard case .table = item.kind else {
                wrongType(key, item, wanted: "a list of tables", remedy: "; write [[\(key)]] above each")
                return []
            }
            found.append(inner(item: item, of: key))
        }
        return found
    }

    /// Reads a list of whole numbers.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - range: What each may be.
    /// - Returns: The numbers; `nil` when the key is absent or wrong, which is reported.
    package func integers(_ key: String, in range: ClosedRange<Int>) -> Located<[Int]>? {
        guard let value = take(key) else { return nil }
        guard case .list(let items) = value.kind else {
            wrongType(key, value, wanted: "a list of whole numbers", remedy: "; write [1, 2]")
            return nil
        }
        var numbers: [Int] = []
        for item in items {
            guard case .integer(let number) = item.kind else {
                tell(.error, at: item.place, "\(key) must be a list of whole numbers, but holds \(item.name)")
                return nil
            }
            guard range.contains(number) else {
                tell(
                    .error, at: item.place,
                    "\(key) holds \(number) and each must be from \(range.lowerBound) to \(range.upperBound)")
                return nil
            }
            numbers.append(number)
        }
        return Located(numbers, at: value.place)
    }

    /// Reads a number that need not be whole.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - range: What it may be.
    /// - Returns: The number; `nil` when it is absent or wrong, which is reported.
    package func number(_ key: String, in range: ClosedRange<Double>) -> Located<Double>? {
        guard let value = take(key) else { return nil }
        let number: Double
        switch value.kind {
        case .integer(let whole): number = Double(whole)
        case .fraction(let fraction): number = fraction
        case .text, .boolean, .list, .table, .other:
            wrongType(key, value, wanted: "a number", remedy: "")
            return nil
        }
        guard range.contains(number) else {
            tell(
                .error, at: value.place,
                "\(key) is \(number) and must be from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return Located(number, at: value.place)
    }
}
