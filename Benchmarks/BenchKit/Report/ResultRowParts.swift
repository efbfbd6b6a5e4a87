// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension ResultRow {
    /// The same row with a place in a plot.
    ///
    /// - Parameters:
    ///   - variable: what grows along the axis.
    ///   - position: how much of it there was.
    ///   - curve: the curve that the figure belongs to.
    /// - Returns: the row with it.
    public func at(_ variable: String, _ position: Double, _ curve: String) -> ResultRow {
        var row = self
        row.point = Point(variable, position, curve)
        return row
    }

    /// The same row with one more target.
    ///
    /// - Parameters:
    ///   - measure: which number of the row.
    ///   - side: on which side of the bound it has to be.
    ///   - bound: the bound.
    /// - Returns: the row with it.
    public func target(_ measure: Target.Measure, _ side: Target.Side, _ bound: Double) -> ResultRow {
        var row = self
        row.targets.append(Target(measure, side, bound))
        return row
    }

    /// The same row with its bytes.
    ///
    /// - Parameters:
    ///   - bytes: the bytes of one operation, all of them.
    ///   - withoutDigests: the bytes of one operation without the digests that name bodies; nil when there are none.
    /// - Returns: the row with them.
    public func bytes(_ bytes: Double, withoutDigests: Double? = nil) -> ResultRow {
        var row = self
        (row.bytesPerOperation, row.bytesWithoutDigests) = (bytes, withoutDigests)
        return row
    }

    /// The same row with what failed; with any failure there is no verdict.
    ///
    /// - Parameters:
    ///   - refused: steps that were refused.
    ///   - lost: steps whose effect was never seen.
    ///   - attempts: how many steps there were to be.
    /// - Returns: the row with them.
    public func failures(refused: Int, lost: Int = 0, of attempts: Int) -> ResultRow {
        var row = self
        (row.refused, row.lost, row.attempts) = (refused, lost, attempts)
        return row
    }

    /// The same row with a reason why it says nothing.
    ///
    /// - Parameter doubt: the reason; nil leaves the row as it is.
    /// - Returns: the row with it.
    public func doubting(_ doubt: String?) -> ResultRow {
        var row = self
        row.doubt = doubt ?? self.doubt
        return row
    }
}

extension ResultRow {
    /// More failures than this share of the attempts are an error of the run.
    public static let toleratedFailures = 0.01

    /// Whether so much failed that the run is worth nothing.
    public var hasFailed: Bool {
        let failed = (refused ?? 0) + (lost ?? 0)
        return failed > 0 && Double(failed) > Self.toleratedFailures * Double(attempts ?? 0)
    }

    /// Why what was counted says nothing: something failed, or was not done.
    var countObjection: String? {
        if let doubt { return doubt }
        let failed = [(refused, "refused"), (lost, "lost")].compactMap { count, word in
            count.flatMap { $0 > 0 ? "\($0) \(word)" : nil }
        }
        return failed.isEmpty ? nil : failed.joined(separator: ", ")
    }

    /// Why neither the figure nor the ratio gets a verdict; nil when they do.
    ///
    /// Something failed; there are too few rounds; or the rounds of the subject or of its reference differ by more than
    /// ``Comparison/trustedSpread``.
    public var objection: String? {
        if let countObjection { return countObjection }
        if isCounted == true { return nil }
        guard let rounds else { return "nothing was measured" }
        if rounds == 1 { return "measured once" }
        guard rounds >= Comparison.trustedRounds else { return "\(rounds) rounds" }
        if let objection = Self.objection(to: spread, "the rounds") { return objection }
        return reference == nil ? nil : Self.objection(to: referenceSpread, "the reference's rounds")
    }

    private static func objection(to spread: Double?, _ what: String) -> String? {
        guard let spread else { return "\(what) have no spread" }
        return spread > Comparison.trustedSpread ? "\(what) spread by \(TextTable.number(spread * 100)) %" : nil
    }

    /// Whether the rounds were steady enough for the figure and the ratio to mean something.
    public var hasVerdict: Bool { absent == nil && objection == nil }
}
