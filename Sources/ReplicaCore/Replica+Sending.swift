import RaftCore

/// Appends that tell of nothing but a commit and wait for something to go along with.
struct CommitNotices {
    /// At most one for each follower, the newest.
    var messages: [RaftMessage] = []
    /// When they leave by themselves; nil when there are none.
    var departure: Int64?
}

/// How messages leave. A leader that commits one batch is about to send the next one, which carries the commit index as
/// well: told separately, every batch would wake every follower twice. So a notice of a commit waits a few
/// milliseconds for a message that says the same; a follower knows a little later what it may apply, and clients wait
/// for none of it.
extension Replica {
    func send(_ messages: [RaftMessage]) {
        guard limits.commitNoticeMilliseconds > 0, raft.role == .leader else {
            sendNotices()
            if !messages.isEmpty { actions.append(.send(messages)) }
            return
        }
        var leaving: [RaftMessage] = []
        for message in messages {
            let waiting = notices.messages.firstIndex { $0.to == message.to }
            if isNotice(message) {
                if let waiting { notices.messages.remove(at: waiting) }
                notices.messages.append(message)
                continue
            }
            if let waiting {
                let notice = notices.messages.remove(at: waiting)
                // Its order among the others stays.
                if case .appendRequest = message.body {} else { leaving.append(notice) }
            }
            leaving.append(message)
        }
        if notices.messages.isEmpty {
            notices.departure = nil
        } else if notices.departure == nil {
            notices.departure = time + limits.commitNoticeMilliseconds
        }
        if !leaving.isEmpty { actions.append(.send(leaving)) }
    }

    /// Whether a message says no more than what is committed, to a follower that has everything, as far as is known.
    private func isNotice(_ message: RaftMessage) -> Bool {
        guard case .appendRequest(let request) = message.body else { return false }
        return request.entries.isEmpty && request.previous.index == raft.lastIndex
    }

    func sendNoticesIfDue() {
        if let departure = notices.departure, time >= departure { sendNotices() }
    }

    private func sendNotices() {
        guard !notices.messages.isEmpty else { return }
        actions.append(.send(notices.messages))
        notices = CommitNotices()
    }
}
