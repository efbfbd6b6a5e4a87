// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit

/// One test for each way in which the original breaks that a group of replicas can show.
@Suite struct ScenarioTests {
    /// A group that was started and has come to rest, with an INBOX.
    private func group(_ nodes: Int, seed: UInt64 = 1, faults: FaultProfile = .none) -> Simulation {
        var scenario = Scenario()
        (scenario.nodes, scenario.clients, scenario.faults) = (nodes, 0, faults)
        let simulation = Simulation(seed: seed, scenario: scenario)
        simulation.world.checksEveryStep = true
        simulation.world.isCalm = true
        simulation.start(withClients: false, withFaults: false)
        simulation.advance(by: 2_000)
        simulation.perform(at: 0) { (state, batch) throws(CRDTError) in
            try state.createMailbox(
                name: "INBOX", validity: UIDValiditySource(nowSeconds: 1_000, stripe: 0), batch: &batch)
        }
        simulation.wait("the INBOX to be everywhere") { $0.isEqual }
        simulation.world.isCalm = false
        return simulation
    }

    private func check(_ simulation: Simulation, _ location: SourceLocation = #_sourceLocation) {
        simulation.finish()
        if let failure = simulation.failure { Issue.record("\(failure)", sourceLocation: location) }
    }

    /// The original opens its mail port only when every peer answers.
    @Test func aNodeServesWhileEveryPeerIsDown() {
        let simulation = group(3)
        for peer in 1...2 { simulation.nodes[peer].crash(thenRestart: false) }
        simulation.append(at: 0, 5)
        simulation.nodes[0].crash(thenRestart: false)
        simulation.nodes[0].start()
        #expect(simulation.nodes[0].serves)
        simulation.append(at: 0, 5)
        #expect(simulation.messages(at: 0).count == 10)
        check(simulation)
    }

    /// D4: the original's sender retries a dead peer without a pause, and nobody else gets anything.
    @Test func aDeadPeerHoldsNobodyUpAndIsDialledWithPauses() {
        let simulation = group(4)
        simulation.nodes[3].crash(thenRestart: false)
        simulation.advance(by: 500)
        let dials = simulation.network.dials
        let start = simulation.world.milliseconds
        simulation.append(at: 0, 50)
        simulation.wait("the living to agree", within: 2_000) {
            $0.messages(at: 1).count == 50 && $0.messages(at: 2).count == 50
        }
        simulation.advance(by: 60_000 - (simulation.world.milliseconds - start))
        // Three nodes, at most one attempt each 2.5 seconds and the first few faster.
        #expect(simulation.network.dials - dials < 120)
        check(simulation)
    }

    /// The original applies a batch again that it was sent again, or stops for ever at its first message.
    @Test(arguments: 0..<5) func whatIsSentAgainAfterALostAcknowledgementIsAppliedOnce(seed: UInt64) {
        var faults = FaultProfile.none
        faults.breakPerMessage = 6
        let simulation = group(3, seed: seed, faults: faults)
        for round in 0..<20 {
            simulation.append(at: round % 3, 3)
            simulation.advance(by: 200)
        }
        simulation.world.isCalm = true
        simulation.wait("all to have all") { world in (0..<3).allSatisfy { world.messages(at: $0).count == 60 } }
        check(simulation)
    }

    /// The original spins for ever on a message that came before its cause.
    @Test func anOperationThatComesBeforeItsCauseWaitsForIt() {
        let simulation = group(3)
        simulation.network.cut("node-0", "node-2")
        simulation.advance(by: 100)
        simulation.append(at: 0, 1)
        simulation.wait("node-1 to see the message") { $0.messages(at: 1).count == 1 }
        simulation.store(at: 1, .flagged)
        // What node-0 wrote reaches node-2 by way of node-1.
        simulation.wait("the flag to arrive", within: 10_000) { $0.messages(at: 2).first?.flags == ["\\2"] }
        check(simulation)
    }

    /// 2.6: the same flag set on both sides, then EXPUNGE on one: the original's replicas differ for ever.
    @Test func theSameFlagOnBothSidesAndAnExpungeEndInTheSameState() {
        let simulation = group(3)
        simulation.append(at: 0, 1)
        simulation.wait("the message to be everywhere") { world in
            (0..<3).allSatisfy { world.messages(at: $0).count == 1 }
        }
        simulation.network.partition(["node-0": 0, "node-1": 1, "node-2": 2])
        simulation.store(at: 0, .deleted)
        simulation.store(at: 1, .deleted)
        simulation.perform(at: 0) { (state, batch) throws(CRDTError) in
            try state.expunge(state.presentMessages(in: .inbox), in: .inbox, batch: &batch)
        }
        simulation.network.heal()
        simulation.wait("it to be gone everywhere") { world in (0..<3).allSatisfy { world.messages(at: $0).isEmpty } }
        check(simulation)
    }

    /// 2.6: DELETE here and a flag change there make the original's worker stop, again after each restart.
    @Test func aDeleteAndAFlagChangeAtOnceStopNobody() {
        let simulation = group(2)
        simulation.perform(at: 0, bodies: [Simulation.body(1)]) { (state, batch) throws(CRDTError) in
            let box = try state.createMailbox(
                name: "f", validity: UIDValiditySource(nowSeconds: 1_000, stripe: 0), batch: &batch)
            try state.append(Simulation.facts(1), to: box, batch: &batch)
        }
        simulation.wait("the mailbox to be everywhere") { $0.isEqual }
        simulation.network.partition(["node-0": 0, "node-1": 1])
        simulation.perform(at: 0) { (state, batch) throws(CRDTError) in
            if let box = state.mailbox(named: "f") { try state.deleteMailbox(box, batch: &batch) }
        }
        simulation.perform(at: 1) { (state, batch) throws(CRDTError) in
            guard let box = state.mailbox(named: "f"), let message = state.presentMessages(in: box).first else {
                return
            }
            try state.store(.add(FlagSet(.flagged)), message: message, in: box, batch: &batch)
        }
        simulation.network.heal()
        simulation.advance(by: 1_000)
        for node in simulation.nodes {
            node.crash(thenRestart: false)
            node.start()
        }
        simulation.wait("the message to be there") { world in
            (0..<2).allSatisfy { world.messages(at: $0, in: "f").first?.flags == ["\\2"] }
        }
        check(simulation)
    }

    /// A replica whose disk was lost never gets its mail back in the original.
    @Test func anEmptyDiskIsFilledAgain() {
        let simulation = group(3)
        simulation.append(at: 0, 40)
        simulation.wait("all to have all") { $0.isEqual && $0.messages(at: 2).count == 40 }
        let victim = simulation.nodes[2]
        victim.wipe(members: simulation.members) { simulation.held(of: $0, besides: victim) }
        victim.start()
        simulation.append(at: 1, 5)
        simulation.wait("the mail to be back", within: 60_000) { $0.messages(at: 2).count == 45 }
        check(simulation)
    }

    /// Beyond the cap an absent member holds no log back, and is brought up by a snapshot.
    @Test func aMemberThatWasAwayForTooLongGetsASnapshot() {
        let simulation = group(3)
        simulation.nodes[2].crash(thenRestart: false)
        simulation.advance(by: 5_000)
        for _ in 0..<30 {
            simulation.append(at: 0, 20, size: 500)
            simulation.advance(by: 100)
        }
        #expect(simulation.nodes[0].disk.start > .start)
        simulation.nodes[2].start()
        simulation.wait("the member to be back", within: 60_000) { $0.messages(at: 2).count == 600 }
        #expect(simulation.nodes[2].reports["snapshotCompleted", default: 0] == 1)
        check(simulation)
    }

    /// A replica whose state is damaged differs for ever in the original: nothing compares.
    @Test func aDamagedAccountIsFoundAndRepaired() {
        let simulation = group(3)
        simulation.append(at: 0, 10)
        simulation.wait("all to have all") { $0.isEqual && $0.messages(at: 2).count == 10 }
        simulation.world.expectsDivergence = true
        guard let store = simulation.nodes[2].store, let index = store.replica.symbols.account(named: "user0") else {
            return
        }
        store.accounts[index] = AccountBox(AccountState())
        store.signal()
        #expect(simulation.messages(at: 2).isEmpty)
        simulation.wait("the repair", within: 60_000) { $0.messages(at: 2).count == 10 }
        check(simulation)
    }

    /// D12: the original's logs and tags grow for ever.
    @Test func logsAreCutWhenEveryMemberHasThemAndNothingIsLeftOfWhatIsGone() {
        let simulation = group(3)
        for _ in 0..<40 {
            simulation.append(at: 1, 10)
            simulation.perform(at: 1) { (state, batch) throws(CRDTError) in
                try state.expunge(state.presentMessages(in: .inbox), in: .inbox, batch: &batch)
            }
            simulation.advance(by: 200)
        }
        simulation.advance(by: 5_000)
        for node in simulation.nodes {
            node.store?.checkpoint()
        }
        simulation.advance(by: 2_000)
        for node in simulation.nodes {
            #expect(node.disk.start > .start)
            #expect(node.disk.byteCount < 4 * SimulatedDisk.segmentBytes)
            let left = node.store.map { store in
                store.accounts.values.reduce(0) { $0 + $1.state.recordIDs(in: .inbox).count }
            }
            #expect(left == 0)
        }
        check(simulation)
    }

    /// D5: an unsent log beyond a limit makes the original send one oversized message, and exit at each restart.
    @Test func aLongBacklogTravelsInBoundedMessages() {
        let simulation = group(2)
        simulation.network.partition(["node-0": 0, "node-1": 1])
        for _ in 0..<20 { simulation.append(at: 0, 50) }
        simulation.network.heal()
        simulation.wait("the backlog to arrive", within: 60_000) { $0.messages(at: 1).count == 1_000 }
        #expect(simulation.network.largestMessage <= ReplicationLimits.maximumMessageBytes + 4)
        check(simulation)
    }

    /// D2 and D3: a node whose clients write while peers send stands still for good in the original.
    @Test func busyNodesTakeWhatTheirPeersSend() {
        let simulation = group(3)
        for _ in 0..<60 {
            for node in 0..<3 { simulation.appendWithoutWaiting(at: node) }
            simulation.advance(by: 5)
        }
        simulation.wait("all to have all", within: 20_000) { world in
            (0..<3).allSatisfy { world.messages(at: $0).count == 180 }
        }
        check(simulation)
    }

    /// D14 and 1.8: a torn record, or a restart while something is being received, stops the original for good.
    @Test(arguments: 0..<5) func crashesAtEveryFewWritesLoseNothingThatWasAcknowledged(seed: UInt64) {
        var faults = FaultProfile.none
        faults.crashAtWrite = 8
        let simulation = group(3, seed: seed, faults: faults)
        for round in 0..<40 {
            if simulation.nodes[round % 3].serves { simulation.appendWithoutWaiting(at: round % 3) }
            simulation.advance(by: 300)
        }
        check(simulation)
    }

    /// D13: a node with a full disk counts for nothing in the original until somebody notices. Here others look after its mailboxes.
    @Test(arguments: 0..<5) func mailForANodeWhoseDiskIsFullIsSeenByTheOthers(seed: UInt64) {
        let simulation = group(3, seed: seed)
        simulation.append(at: 0, 5)
        simulation.wait("all to have all") { $0.isEqual && $0.messages(at: 1).count == 5 }
        simulation.nodes[0].setFull(true)
        simulation.append(at: 1, 10)
        simulation.lookEverywhere()
        simulation.wait("the others to see it", within: 10_000) { world in
            world.lookEverywhere()
            return (1...2).allSatisfy { world.messages(at: $0).count == 15 }
        }
        #expect(simulation.messages(at: 0).count == 5)
        #expect(simulation.nodes[1].reports["unwritable", default: 0] == 1)
        // Nobody waits any more: what comes now gets its UID at once.
        simulation.append(at: 1, 1)
        #expect(simulation.messages(at: 1).count == 16)
        simulation.nodes[0].setFull(false)
        simulation.wait("all to have all", within: 120_000) { world in
            world.lookEverywhere()
            return (0..<3).allSatisfy { world.messages(at: $0).count == 16 }
        }
        #expect(simulation.nodes[1].reports["writable", default: 0] == 1)
        check(simulation)
    }

    /// A take-over while the owner is cut off, and its return: no UID changes its meaning, and everybody sees all mail.
    @Test(arguments: 0..<5) func aSplitBrainHealsWithoutAnyUIDChangingItsMeaning(seed: UInt64) {
        let simulation = group(3, seed: seed)
        simulation.append(at: 0, 5)
        simulation.wait("all to have all") { $0.isEqual && $0.messages(at: 1).count == 5 }
        simulation.network.partition(["node-0": 0, "node-1": 1, "node-2": 1])
        for _ in 0..<10 {
            simulation.appendWithoutWaiting(at: 0)
            simulation.appendWithoutWaiting(at: 1)
            simulation.lookEverywhere()
            simulation.advance(by: 1_000)
        }
        #expect(simulation.messages(at: 1).count == 15)
        #expect(simulation.messages(at: 0).count == 15)
        simulation.network.heal()
        simulation.wait("all to have all", within: 20_000) { world in
            world.lookEverywhere()
            return (0..<3).allSatisfy { world.messages(at: $0).count == 25 }
        }
        check(simulation)
    }
}
