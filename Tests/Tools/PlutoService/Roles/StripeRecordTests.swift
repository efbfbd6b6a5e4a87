// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import LiveTestSupport
import NodeSupport
@testable import PlutoService
import Testing

@Suite struct StripeRecordTests {
    private let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory("stripe") }

    private func start(_ node: String, _ members: [String], _ numbering: [String]? = nil) throws(NodeError) {
        let group = GroupSettings(name: "users", members: members, numbering: numbering)
        guard let stripe = group.stripe(of: node) else { return }
        try StripeRecord.keep(stripe, of: node, group: group, directory: folder.path)
    }

    /// A new name in the files gave members another number, and with it UIDs that somebody else assigns.
    @Test func aNodeWhoseNumberHasChangedDoesNotStart() throws {
        try start("us", ["eu", "us"])
        try start("us", ["eu", "us"])
        let error = #expect(throws: NodeError.self) { try start("us", ["eu", "storage", "us"]) }
        #expect(error?.code == .memberNumberChanged)
        #expect(
            error?.message.contains("has the number 1 in the group users, and the configuration gives it 2") == true)
        try start("us", ["eu", "storage", "us"], ["eu", "us", "storage"])
    }

    @Test func aDamagedRecordIsNamed() throws {
        _ = try folder.write(StripeRecord.fileName, "many")
        let error = #expect(throws: NodeError.self) { try start("us", ["eu", "us"]) }
        #expect(error?.message.contains(StripeRecord.fileName) == true)
    }
}
