// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport

/// The value of a setting, for people and for JSON.
package enum SettingValue: Hashable, Sendable, Encodable, CustomStringConvertible {
    case text(String)
    case integer(Int64)
    case boolean(Bool)
    case list([String])
    case numbers([Int64])
    /// Compared by what it is, shown as `(secret)`.
    case secret(Secret)

    /// As a configuration file has it; a secret is not shown.
    package var description: String {
        switch self {
        case .text(let text): Self.quoted(text)
        case .integer(let number): String(number)
        case .boolean(let truth): String(truth)
        case .list(let texts): "[" + texts.map(Self.quoted).joined(separator: ", ") + "]"
        case .numbers(let numbers): "[" + numbers.map(String.init).joined(separator: ", ") + "]"
        case .secret(let secret): secret.description
        }
    }

    /// Encodes the value alone: a text, a number, a truth value or a list.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .integer(let number): try container.encode(number)
        case .boolean(let truth): try container.encode(truth)
        case .list(let texts): try container.encode(texts)
        case .numbers(let numbers): try container.encode(numbers)
        case .secret(let secret): try container.encode(secret.description)
        }
    }

    /// A basic string of TOML.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            default:
                if scalar.value < 0x20 || scalar.value == 0x7f {
                    let digits = String(scalar.value, radix: 16, uppercase: true)
                    result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }
}

/// A setting by the name that it has in configuration files.
package struct SettingField: Hashable, Sendable {
    /// The key, with its table in front where that is not the mirror's own: `interval`, `env.LANG`, `server.listen_port`.
    package let key: String
    /// What holds in the end, after inheritance and standards.
    package let value: SettingValue

    init(_ key: String, _ value: SettingValue) {
        self.key = key
        self.value = value
    }

    init(_ key: String, _ text: String) { self.init(key, .text(text)) }

    init(_ key: String, _ number: Int) { self.init(key, .integer(Int64(number))) }

    init(_ key: String, _ truth: Bool) { self.init(key, .boolean(truth)) }

    init(_ key: String, _ texts: [String]) { self.init(key, .list(texts)) }
}

/// A setting and where it comes from.
package struct EffectiveSetting: Hashable, Sendable, Encodable {
    /// The key, as ``SettingField/key`` has it.
    package let key: String
    /// The value.
    package let value: SettingValue
    /// Where it is written, in the order in which it was put together; empty for a standard value.
    package let places: [ConfigPlace]

    /// `key = value`, and where it comes from.
    package var description: String { "\(key) = \(value)  # \(EffectiveSetting.origin(places))" }

    static func origin(_ places: [ConfigPlace]) -> String {
        places.isEmpty ? "standard" : places.map(\.description).joined(separator: ", ")
    }
}
