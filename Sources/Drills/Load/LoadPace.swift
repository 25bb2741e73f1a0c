import Synchronization

/// Hands out what is to be begun next, and when, so that many threads together keep a rate.
final class LoadPace: Sendable {
    private struct Stream {
        var model: LoadModel
        var interval: Double
        var next: Double
        var number = 0
    }

    /// One instance to begin.
    struct Ticket: Hashable, Sendable {
        var model: LoadModel
        var number: Int
        /// Seconds since the drill began.
        var due: Double
    }

    private let streams: Mutex<[Stream]>

    /// - Parameters:
    ///   - rates: instances per second by model; those of 0 are left out.
    ///   - start: when the first may begin.
    init(_ rates: [LoadModel: Double], start: Double) {
        let streams = LoadModel.allCases.enumerated().compactMap { (index, model) -> Stream? in
            guard let rate = rates[model], rate > 0 else { return nil }
            // Spread within the first interval, so that the models do not march in step.
            return Stream(model: model, interval: 1 / rate, next: start + Double(index) * 0.25 / rate)
        }
        self.streams = Mutex(streams)
    }

    /// The next one. Who comes late after an outage does not have to make up for more than a second.
    /// - Parameter now: seconds since the drill began.
    func next(now: Double) -> Ticket? {
        self.streams.withLock { streams in
            guard let index = streams.indices.min(by: { streams[$0].next < streams[$1].next }) else { return nil }
            streams[index].next = max(streams[index].next, now - 1)
            streams[index].number += 1
            defer { streams[index].next += streams[index].interval }
            let stream = streams[index]
            return Ticket(model: stream.model, number: stream.number, due: stream.next)
        }
    }
}
