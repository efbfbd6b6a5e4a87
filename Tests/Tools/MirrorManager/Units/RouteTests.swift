// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import HTTPTypes
import Testing
@testable import MirrorManager

@Suite struct RouteTests {
    @Test(arguments: [
        ("/workers/a%20b/jobs", Route.workerJobs("a b")), ("/workers//jobs", .workerJobs("")),
        ("/api/v1/mirrors/w/m/logs/a%2Fb", .log(MirrorKey(name: "m", worker: "w"), id: "a/b")),
        ("/api/v1/mirrors/w/m/history", .history(MirrorKey(name: "m", worker: "w"))), ("/", .page), ("/jobs", .jobs),
    ])
    func pathsAreDecodedPartByPart(_ path: String, _ route: Route) {
        #expect(Route.find(.get, path) == .found(route))
    }

    @Test(arguments: [
        "", "jobs", "/jobs/x", "/%", "/%zz", "/workers/%ff/jobs", "/workers/%00/jobs", "/api", "/api/v1", "/api/v1/",
        "/api/v1/mirrors/w", "/api/v1/mirrors/w/m/logs/x/y", "/assets/../jobs", "/assets/",
    ])
    func otherPathsLeadNowhere(_ path: String) { #expect(Route.find(.get, path) == .notFound) }

    @Test func veryLongPathsLeadNowhere() {
        #expect(Route.find(.get, "/workers/" + String(repeating: "a", count: 3_000) + "/jobs") == .notFound)
    }
}
