// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import TestSupport
import Testing

@Suite("The verified model")
struct IsabelleModelTests {
    typealias Model = IsabelleModel<Int, Int>
    typealias Operation = Model.Operation

    static let kinds = 5

    /// An operation of a kind over two folders and a handful of identifiers.
    static func operation(_ kind: Int, _ generator: inout SeededGenerator) -> Operation {
        let name = Int.random(in: 0..<2, using: &generator)
        let id = Int.random(in: 0..<4, using: &generator)
        let old = Int.random(in: 0..<4, using: &generator)
        switch kind {
        case 0: return .create(id, name)
        case 1: return .delete(Set((0..<4).filter { _ in Bool.random(using: &generator) }), name)
        case 2: return .append(id, name)
        case 3: return .expunge(name, removing: old, id)
        default: return .store(name, removing: old, id)
        }
    }

    static func state(_ generator: inout SeededGenerator) -> Model {
        var model = Model()
        for _ in 0..<Int.random(in: 0..<8, using: &generator) {
            model.interpret(operation(Int.random(in: 0..<5, using: &generator), &generator))
        }
        return model
    }

    static func commute(_ first: Operation, _ second: Operation, in model: Model) -> Bool {
        var left = model
        left.interpret(first)
        left.interpret(second)
        var right = model
        right.interpret(second)
        right.interpret(first)
        return left == right
    }

    static let pairs = (0..<kinds).flatMap { first in (first..<kinds).map { (first, $0) } }

    @Test("P1: all 15 pairs commute in any state when their condition holds", arguments: pairs)
    func allPairsCommute(first: Int, second: Int) {
        var generator = SeededGenerator(seed: UInt64(first * 10 + second))
        var tried = 0
        while tried < 500 {
            let model = IsabelleModelTests.state(&generator)
            let left = IsabelleModelTests.operation(first, &generator)
            let right = IsabelleModelTests.operation(second, &generator)
            if !left.commutes(with: right) { continue }
            tried += 1
            if !IsabelleModelTests.commute(left, right, in: model) { Issue.record("\(left), \(right) in \(model)") }
        }
        #expect(IsabelleModelTests.pairs.count == 15)
    }

    /// The eight pairs that have a condition.
    static let conditional = [(0, 1), (1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4), (4, 4)]

    @Test("P2: each condition, when broken, diverges in some state", arguments: conditional)
    func eachBrokenConditionDiverges(first: Int, second: Int) {
        var generator = SeededGenerator(seed: UInt64(first * 10 + second) + 100)
        for _ in 0..<20_000 {
            let model = IsabelleModelTests.state(&generator)
            let left = IsabelleModelTests.operation(first, &generator)
            let right = IsabelleModelTests.operation(second, &generator)
            if left.commutes(with: right) { continue }
            if !IsabelleModelTests.commute(left, right, in: model) { return }
        }
        Issue.record("the broken condition of \(first) and \(second) never diverged")
    }

    @Test("Pairs without a condition have none")
    func pairsWithoutConditionHaveNone() {
        var generator = SeededGenerator(seed: 3)
        for (first, second) in IsabelleModelTests.pairs
        where !IsabelleModelTests.conditional.contains(where: { $0 == (first, second) }) {
            for _ in 0..<200 {
                let left = IsabelleModelTests.operation(first, &generator)
                let right = IsabelleModelTests.operation(second, &generator)
                #expect(left.commutes(with: right) && right.commutes(with: left))
            }
        }
    }

    @Test("Generators carry what the source observes and refuse what it does not see")
    func generatorsCarryWhatTheSourceObserves() {
        var model = Model()
        model.interpret(model.create(0, fresh: 1))
        model.interpret(model.append(0, fresh: 2))
        #expect(model.delete(0) == .delete([1, 2], 0))
        #expect(model.expunge(0, 9, fresh: 3) == nil)
        #expect(model.store(1, 2, fresh: 3) == nil)
        #expect(model.store(0, 2, fresh: 3) == .store(0, removing: 2, 3))
        model.interpret(model.delete(0))
        #expect(model.folders.isEmpty)
    }
}
