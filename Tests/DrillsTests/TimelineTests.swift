import Testing

@testable import Drills

@Suite struct TimelineTests {
    @Test func `acknowledgements are counted by 100 ms, from the load's beginning to its end`() {
        let timeline = Timeline(answered: [9.99, 10.0, 10.05, 10.15, 10.95, 11.0], start: 10, end: 11)

        #expect(timeline.counts == [2, 1, 0, 0, 0, 0, 0, 0, 0, 1])
        #expect(abs(timeline.availability - 0.3) < 1e-9)
    }

    @Test func `gaps are found, the longest first, also at both ends`() {
        let timeline = Timeline(answered: [1.5, 1.55, 1.9], start: 1, end: 3)

        #expect(timeline.gaps.map { ($0.length * 100).rounded() } == [110, 50, 35])
    }

    @Test func `a load without any acknowledgement is one gap`() {
        let timeline = Timeline(answered: [], start: 0, end: 2)

        #expect(timeline.availability == 0)
        #expect(timeline.gaps.count == 1)
    }

    @Test func `an answer that was on its way when the fault struck is no recovery`() {
        let acknowledgements = [
            Acknowledgement(sent: 4.9, answered: 5.001), Acknowledgement(sent: 5.2, answered: 5.6),
            Acknowledgement(sent: 5.3, answered: 5.5),
        ]

        let recovery = Timeline.recovery(since: 5, acknowledgements)

        #expect(recovery.map { ($0 * 1_000).rounded() } == 500)
        #expect(Timeline.recovery(since: 6, acknowledgements) == nil)
    }

    @Test(arguments: [
        ([1.0], 0.5, 1.0), ([1.0, 2], 0.5, 1.0), ([3.0, 1, 2], 0.5, 2.0), ([1.0, 2, 3, 4], 0.9, 4.0),
        ([1.0, 2, 3, 4], 0, 1.0),
    ])
    func `quantiles are values that occurred`(_ values: [Double], _ share: Double, _ expected: Double) {
        #expect(Distribution(values).quantile(share) == expected)
    }

    @Test func `roles are cut to the window and joined`() {
        let changes = [
            RoleChange(time: 0, node: 0, role: .follower, term: 1),
            RoleChange(time: 2, node: 0, role: .leader, term: 2),
            RoleChange(time: 3, node: 0, role: .leader, term: 3), RoleChange(time: 1, node: 1, role: .away, term: 0),
            RoleChange(time: 8, node: 0, role: .away, term: 0),
        ]

        let segments = RoleSegment.of(0, changes, from: 1, to: 6)

        #expect(
            segments == [
                RoleSegment(role: .follower, from: 1, to: 2), RoleSegment(role: .leader, from: 2, to: 6),
            ]
        )
    }

    @Test func `a long drill gets fewer, wider bars`() {
        let (counts, size) = TimelinePicture.joined(Array(repeating: 2, count: 2_500), limit: 1_000)

        #expect(size == 3)
        #expect(counts.count == 834)
        #expect(counts.reduce(0, +) == 5_000)
    }

    @Test func `a pace keeps its rates and does not make up for an outage`() {
        let pace = LoadPace([.timer: 10, .message: 5, .parallel: 0], start: 100)
        var tickets: [LoadPace.Ticket] = []
        while let ticket = pace.next(now: 100), ticket.due < 102 { tickets.append(ticket) }

        // Whether one falls just before or behind the end is a matter of rounding.
        #expect(abs(tickets.count { $0.model == .timer } - 20) <= 1)
        #expect(abs(tickets.count { $0.model == .message } - 10) <= 1)
        #expect(!tickets.contains { $0.model == .parallel })
        #expect(Set(tickets.map { "\($0.model)\($0.number)" }).count == tickets.count)
        #expect((pace.next(now: 200)?.due ?? 0) >= 199)
    }

    @Test(arguments: [
        ("thalweg_alarm 1", true), ("thalweg_alarm{kind=\"x\"} 2", true), ("thalweg_alarm 0", false),
        ("thalweg_alarm_other 1", false), ("# thalweg_alarm 1", false),
    ])
    func `metrics above zero are seen`(_ text: String, _ isSeen: Bool) {
        #expect(MetricWatch.isAboveZero("thalweg_alarm", in: text) == isSeen)
    }
}
