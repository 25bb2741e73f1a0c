/// How fast a group notices that its leader is gone.
///
/// A follower waits 600 to 1,200 ms for a sign of life that comes every 100 ms before it asks for votes. The lower
/// bound must outlast what happens on sound machines: a disk that syncs for 100 to 300 ms, a busy core, a lost packet
/// that TCP sends again after 200 ms. The upper bound keeps the silence of a host below two seconds, vote included. A
/// process that dies is noticed without these times, by the refused connection (architecture.md, section 6).
enum GroupTiming {
    static let tickMilliseconds: Int64 = 50
    static let heartbeatTicks = 2
    static let electionTicks = 12
    /// How long the news that something is committed waits for the next entries to go along with: longer than a client
    /// that sends one command after the other takes for the next one, and far shorter than a heartbeat.
    static let commitNoticeMilliseconds: Int64 = 5
    /// Whoever did not run for this long waits a full election time-out, and does not trust that it leads.
    static let pauseMilliseconds: Int64 = 600
    /// How long a follower that was offered a snapshot may stay silent before it is offered another, in milliseconds.
    static let snapshotPatience: Int64 = 15_000
}
