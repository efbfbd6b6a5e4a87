// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import IMAPCore
import Testing

@Suite("LIST and LSUB")
struct MailboxListingTests {
    private func list(
        _ command: String, existing: [String], subscribed: [String] = [], uses: [String: SpecialUse] = [:]
    ) throws -> [String] {
        let catalog = MailboxCatalog(
            entries: existing.map { MailboxCatalog.Entry(name: ModelStore.name($0), specialUse: uses[$0]) },
            subscriptions: subscribed.map(ModelStore.name))
        let listing = MailboxListing(catalog, separator: UInt8(ascii: "/"))
        switch try CommandParser.parse(CommandText("a " + command)).body {
        case .list(let list):
            return try listing.list(list, limits: IMAPLimits()).map { line in
                String(decoding: ResponseEncoder.encoded(.list(line.response)).dropLast(2), as: UTF8.self)
                    + (line.wantsStatus ? " +STATUS" : "")
            }
        case .lsub(let reference, let pattern):
            return try listing.lsub(reference: reference, pattern: pattern, limits: IMAPLimits()).map {
                String(decoding: ResponseEncoder.encoded(.lsub($0)).dropLast(2), as: UTF8.self)
            }
        default: return []
        }
    }

    /// The hierarchy of RFC 5258 section 5, example 9.
    private let existing = [
        "INBOX", "foo2", "foo2/bar1", "foo2/bar2", "baz2", "baz2/bar2", "baz2/bar22", "baz2/bar222", "eps2",
        "eps2/mamba", "qux2/bar2",
    ]
    private let subscribed = [
        "foo2/bar1", "foo2/bar2", "baz2/bar2", "baz2/bar22", "baz2/bar222", "eps2", "eps2/mamba", "qux2/bar2",
    ]

    @Test func percentStopsAtTheSeparatorAndParentsThatDoNotExistAreNoselect() throws {
        #expect(
            try list("LIST \"\" %", existing: existing) == [
                "* LIST (\\HasNoChildren) \"/\" INBOX", "* LIST (\\HasChildren) \"/\" baz2",
                "* LIST (\\HasChildren) \"/\" eps2", "* LIST (\\HasChildren) \"/\" foo2",
                "* LIST (\\Noselect \\HasChildren) \"/\" qux2",
            ])
    }

    @Test func theReferenceStandsInFrontOfThePattern() throws {
        #expect(
            try list("LIST foo2/ *", existing: existing) == [
                "* LIST (\\HasNoChildren) \"/\" foo2/bar1", "* LIST (\\HasNoChildren) \"/\" foo2/bar2",
            ])
        #expect(try list("LIST \"\" inBOX", existing: existing).count == 1)
        #expect(try list("LIST \"\" nothing", existing: existing).isEmpty)
    }

    @Test func specialUsesAreShownAndSelectable() throws {
        let uses: [String: SpecialUse] = ["foo2": .sent, "eps2/mamba": .trash]
        #expect(
            try list("LIST (SPECIAL-USE) \"\" *", existing: existing, uses: uses) == [
                "* LIST (\\HasNoChildren \\Trash) \"/\" eps2/mamba", "* LIST (\\HasChildren \\Sent) \"/\" foo2",
            ])
    }

    /// RFC 5258 section 5, example 9 (in the order of the names).
    @Test func recursiveMatchTellsOfSubscribedChildren() throws {
        #expect(
            try list("LIST (RECURSIVEMATCH SUBSCRIBED) \"\" \"*2\"", existing: existing, subscribed: subscribed)
                == [
                    "* LIST (\\Subscribed \\HasNoChildren) \"/\" baz2/bar2",
                    "* LIST (\\Subscribed \\HasNoChildren) \"/\" baz2/bar22",
                    "* LIST (\\Subscribed \\HasNoChildren) \"/\" baz2/bar222",
                    "* LIST (\\Subscribed \\HasChildren) \"/\" eps2 (CHILDINFO (SUBSCRIBED))",
                    "* LIST (\\HasChildren) \"/\" foo2 (CHILDINFO (SUBSCRIBED))",
                    "* LIST (\\Subscribed \\HasNoChildren) \"/\" foo2/bar2",
                    "* LIST (\\Subscribed \\HasNoChildren) \"/\" qux2/bar2",
                ].map { $0.replacing("(CHILDINFO (SUBSCRIBED))", with: "(\"CHILDINFO\" (\"SUBSCRIBED\"))") })
    }

    @Test func recursiveMatchAloneIsAnError() {
        #expect(throws: IMAPError.self) { try list("LIST (RECURSIVEMATCH) \"\" *", existing: existing) }
    }

    @Test func subscribedNamesNeedNotExist() throws {
        #expect(
            try list("LIST (SUBSCRIBED) \"\" *", existing: ["INBOX"], subscribed: ["Gone"]) == [
                "* LIST (\\NonExistent \\Noselect \\Subscribed \\HasNoChildren) \"/\" Gone"
            ])
    }

    @Test func statusBelongsToSelectableNamesThatWereAskedFor() throws {
        #expect(
            try list("LIST \"\" (INBOX qux2) RETURN (STATUS (MESSAGES))", existing: existing) == [
                "* LIST (\\HasNoChildren) \"/\" INBOX +STATUS",
                "* LIST (\\NonExistent \\Noselect \\HasChildren) \"/\" qux2",
            ])
    }

    @Test func anEmptyPatternOfAnExtendedListMatchesNothing() throws {
        #expect(try list("LIST (SUBSCRIBED) \"\" \"\"", existing: existing, subscribed: subscribed).isEmpty)
        #expect(try list("LIST \"\" (\"\" INBOX)", existing: existing).count == 1)
    }

    @Test func lsubShowsParentsOfHiddenSubscriptionsOnlyBehindPercent() throws {
        let some = ["foo2/bar1", "eps2", "eps2/mamba"]
        #expect(
            try list("LSUB \"\" %", existing: existing, subscribed: some) == [
                "* LSUB () \"/\" eps2", "* LSUB (\\Noselect) \"/\" foo2",
            ])
        #expect(
            try list("LSUB \"\" *", existing: existing, subscribed: some) == [
                "* LSUB () \"/\" eps2", "* LSUB () \"/\" eps2/mamba", "* LSUB () \"/\" foo2/bar1",
            ])
    }

    @Test(arguments: ["a//b", "/a", "../x", "a/..", "a/./b", "a*", "%"])
    func namesThatMustNotBeMadeAreRefused(name: String) {
        #expect(throws: IMAPError.self) {
            try MailboxHierarchy.newName(ModelStore.name(name), separator: UInt8(ascii: "/"))
        }
    }

    @Test func aSeparatorAtTheEndIsTakenAway() throws {
        let name = try MailboxHierarchy.newName(ModelStore.name("a/b/"), separator: UInt8(ascii: "/"))
        #expect(name == ModelStore.name("a/b"))
    }
}
