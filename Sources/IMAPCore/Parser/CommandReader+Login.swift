// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Commands about the client and the connection.
extension CommandReader {
    /// Takes the arguments of LOGIN.
    ///
    ///     login = "LOGIN" SP userid SP password
    mutating func login() throws(IMAPError) -> CommandBody {
        let user = try astring()
        try space()
        return .login(user: user, password: Secret(try astring()))
    }

    /// Takes the arguments of AUTHENTICATE.
    ///
    ///     authenticate = "AUTHENTICATE" SP auth-type [SP (base64 / "=")] *(CRLF base64)      ; RFC 4959 section 7
    mutating func authenticate() throws(IMAPError) -> CommandBody {
        let mechanism = String(decoding: try atom().map(ByteClass.uppercased), as: UTF8.self)
        var response: Secret?
        if takeSpaceBeforeMore() {
            let text = run(ByteClass.isAtom)
            response = Secret(text.elementsEqual("=".utf8) ? [] : try Base64.decode(text))
        }
        return .authenticate(mechanism: mechanism, initialResponse: response)
    }

    /// Takes the arguments of ENABLE.
    ///
    ///     enable = "ENABLE" 1*(SP capability)      ; RFC 5161 section 4
    mutating func enable() throws(IMAPError) -> CommandBody {
        var names: [String] = []
        repeat {
            guard names.count < limits.capabilities else { throw tooMany("capabilities", limits.capabilities) }
            names.append(String(decoding: try atom().map(ByteClass.uppercased), as: UTF8.self))
        } while takeSpaceBeforeMore()
        return .enable(names)
    }

    /// Takes the arguments of ID.
    ///
    ///     id             = "ID" SP id_params_list      ; RFC 2971 section 4
    ///     id_params_list = "(" #(string SPACE nstring) ")" / nil
    mutating func identification() throws(IMAPError) -> CommandBody {
        if takeWord("NIL") { return .id(nil) }
        let fields = try list(limit: limits.idFields, of: "fields", allowsNone: true) { reader throws(IMAPError) in
            let name = try reader.string()
            guard name.count <= reader.limits.idFieldBytes else {
                throw reader.syntaxError("A field's name cannot have more than \(reader.limits.idFieldBytes) bytes.")
            }
            try reader.space()
            let value = try reader.nstring()
            guard value?.count ?? 0 <= reader.limits.idValueBytes else {
                throw reader.syntaxError("A field's value cannot have more than \(reader.limits.idValueBytes) bytes.")
            }
            return IDField(name: name, value: value)
        }
        return .id(fields)
    }
}
