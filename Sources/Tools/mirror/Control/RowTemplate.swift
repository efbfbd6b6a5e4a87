// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorWire
internal import SyncJobs

/// Something that a template can print.
protocol TemplateRow {
    /// The text of a field, by the name that Go's template gives it.
    func text(of field: String) -> String?
}

/// The part of Go's text/template that people use with `list --format`.
///
/// That is text, `{{.Field}}`, string constants, comments and
/// the trim markers `{{-` and `-}}`. It has no functions, pipelines or control.
struct RowTemplate: Hashable {
    private enum Piece: Hashable {
        case text(String)
        case field(String)
    }

    private var pieces: [Piece] = []

    /// Reads a template.
    ///
    /// - Parameter source: its text.
    /// - Throws: ``ControlFailure`` that says what it does not know.
    init(_ source: String) throws(ControlFailure) {
        var rest = source[...]
        var trimsNext = false
        while let start = rest.firstRange(of: "{{") {
            var before = String(rest[..<start.lowerBound])
            if trimsNext { before = Self.trimStart(before) }
            rest = rest[start.upperBound...]
            guard let end = rest.firstRange(of: "}}") else {
                throw ControlFailure("the template has {{ without }}")
            }
            var action = String(rest[..<end.lowerBound])
            rest = rest[end.upperBound...]
            // A marker needs a space beside it, as in Go: {{-3}} is a number.
            if action.hasPrefix("- ") {
                action.removeFirst()
                before = Self.trimEnd(before)
            }
            trimsNext = action.hasSuffix(" -")
            if trimsNext { action.removeLast() }
            if !before.isEmpty { pieces.append(.text(before)) }
            if let piece = try Self.piece(action.trimmed) { pieces.append(piece) }
        }
        let after = trimsNext ? Self.trimStart(String(rest)) : String(rest)
        if !after.isEmpty { pieces.append(.text(after)) }
    }

    /// Fills in a row.
    ///
    /// - Throws: ``ControlFailure`` when it has no such field.
    func render(_ row: some TemplateRow) throws(ControlFailure) -> String {
        var result = ""
        for piece in pieces {
            switch piece {
            case .text(let text): result += text
            case .field(let name):
                guard let text = row.text(of: name) else {
                    throw ControlFailure("there is no field .\(name) here; the fields are \(Self.fields)")
                }
                result += text
            }
        }
        return result
    }

    /// The names that rows know.
    static let fields =
        "Name IsMaster Status LastUpdate LastUpdateTs LastStarted LastStartedTs LastEnded LastEndedTs Scheduled ScheduledTs Upstream Size, and with workers Worker and ErrorMsg"

    private static func piece(_ action: String) throws(ControlFailure) -> Piece? {
        if action.hasPrefix("/*"), action.hasSuffix("*/"), action.utf8.count >= 4 { return nil }
        if action.hasPrefix("."), action.utf8.count > 1, action.dropFirst().allSatisfy({ $0.isLetter || $0.isNumber }) {
            return .field(String(action.dropFirst()))
        }
        if action.utf8.count >= 2, action.hasPrefix("`"), action.hasSuffix("`") {
            return .text(String(action.dropFirst().dropLast()))
        }
        if action.utf8.count >= 2, action.hasPrefix("\""), action.hasSuffix("\"") {
            return .text(try unescape(action.dropFirst().dropLast()))
        }
        throw ControlFailure(
            "the template's {{\(action)}} is more than can be done here: write {{.Field}}, {{\"text\"}} or {{/* comment */}}"
        )
    }

    private static func unescape(_ text: Substring) throws(ControlFailure) -> String {
        var result = ""
        var isEscaped = false
        for character in text {
            if isEscaped {
                switch character {
                case "n": result.append("\n")
                case "t": result.append("\t")
                case "r": result.append("\r")
                case "\\", "\"": result.append(character)
                default: throw ControlFailure("the template has an unknown escape \\\(character)")
                }
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else {
                result.append(character)
            }
        }
        return result
    }

    private static func trimStart(_ text: String) -> String { String(text.drop { $0.isWhitespace }) }

    private static func trimEnd(_ text: String) -> String {
        var text = text[...]
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}

extension WebStatus: TemplateRow {
    func text(of field: String) -> String? {
        switch field {
        case "Name": name
        case "IsMaster": String(isMaster)
        case "Status": status.rawValue
        case "LastUpdate", "LastUpdateTs": lastUpdate.goText
        case "LastStarted", "LastStartedTs": lastStarted.goText
        case "LastEnded", "LastEndedTs": lastEnded.goText
        case "Scheduled", "ScheduledTs": nextSchedule.goText
        case "Upstream": upstream
        case "Size": size
        default: nil
        }
    }
}

extension MirrorStatus: TemplateRow {
    func text(of field: String) -> String? {
        switch field {
        case "Worker": worker
        case "ErrorMsg": errorMessage
        default: field.hasSuffix("Ts") ? nil : WebStatus(self).text(of: field)
        }
    }
}

extension WireTime {
    /// The time as Go prints it: `2006-01-02 15:04:05.999999999 -0700 MST`.
    var goText: String {
        let web = webText
        // YYYY-MM-DD HH:MM:SS ±hhmm; the fraction stands before the offset and the zone's name after it.
        let clock = web.prefix(19)
        let offset = web.suffix(5)
        var fraction = ""
        if nanoseconds != 0 {
            let digits = String(nanoseconds)
            fraction = "." + String(repeating: "0", count: 9 - digits.count) + digits
            while fraction.last == "0" { fraction.removeLast() }
        }
        return "\(clock)\(fraction) \(offset) \(offsetMinutes == 0 ? "UTC" : String(offset))"
    }
}
