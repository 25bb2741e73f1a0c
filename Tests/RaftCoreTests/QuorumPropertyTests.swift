import RaftCore
import Testing

/// The quorum arithmetic against a naive version, on seeded random input.
struct QuorumPropertyTests {
    private func randomVoters(_ random: inout SplitMix64) -> [NodeID] {
        (1...9).map { NodeID(UInt64($0)) }.filter { _ in random.next(below: 2) == 0 }
    }

    /// The highest value for which more than half of the voters have at least as much.
    private func naiveCommitted(_ voters: [NodeID], _ values: [NodeID: UInt64]) -> UInt64 {
        if voters.isEmpty { return .max }
        let candidates = voters.map { values[$0] ?? 0 } + [0]
        return candidates.filter { value in
            2 * voters.count { (values[$0] ?? 0) >= value } > voters.count
        }.max() ?? 0
    }

    /// Tries every way in which the missing voters may still answer.
    private func naiveResult(_ voters: [NodeID], _ votes: [NodeID: Bool]) -> VoteResult {
        let missing = voters.filter { votes[$0] == nil }
        let outcomes = Set(
            (0..<(1 << missing.count)).map { answers -> Bool in
                let late = missing.indices.count { answers >> $0 & 1 == 1 }
                return voters.isEmpty || 2 * (voters.count { votes[$0] == true } + late) > voters.count
            }
        )
        return outcomes == [true] ? .won : outcomes == [false] ? .lost : .pending
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `committed indexes equal those of the naive version`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<500 {
            let (incoming, outgoing) = (self.randomVoters(&random), self.randomVoters(&random))
            var values: [NodeID: UInt64] = [:]
            for number in 1...9 where random.next(below: 4) > 0 {
                values[NodeID(UInt64(number))] = UInt64(random.next(below: 6))
            }
            let naive = min(self.naiveCommitted(incoming, values), self.naiveCommitted(outgoing, values))
            #expect(MajorityQuorum(incoming).committed { values[$0] } == self.naiveCommitted(incoming, values))
            #expect(JointQuorum(incoming: incoming, outgoing: outgoing).committed { values[$0] } == naive)
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `vote results equal those of the naive version`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<200 {
            let (incoming, outgoing) = (self.randomVoters(&random), self.randomVoters(&random))
            var votes: [NodeID: Bool] = [:]
            for number in 1...9 where random.next(below: 3) > 0 {
                votes[NodeID(UInt64(number))] = random.next(below: 2) == 0
            }
            let (first, second) = (self.naiveResult(incoming, votes), self.naiveResult(outgoing, votes))
            let joint: VoteResult =
                first == .lost || second == .lost ? .lost : first == .won && second == .won ? .won : .pending
            #expect(MajorityQuorum(incoming).result { votes[$0] } == first)
            #expect(JointQuorum(incoming: incoming, outgoing: outgoing).result { votes[$0] } == joint)
        }
    }
}
