/// A time in which a node had one role.
struct RoleSegment: Hashable, Sendable {
    var role: NodeView.Role
    var from: Double
    var to: Double

    /// The roles of one node, cut to a window of time.
    static func of(_ node: Int, _ changes: [RoleChange], from start: Double, to end: Double) -> [RoleSegment] {
        let own = changes.filter { $0.node == node }.sorted { $0.time < $1.time }
        var result: [RoleSegment] = []
        for (index, change) in own.enumerated() {
            let next = index + 1 < own.count ? own[index + 1].time : end
            let segment = RoleSegment(role: change.role, from: max(start, change.time), to: min(end, next))
            guard segment.to > segment.from else { continue }
            if let last = result.last, last.role == segment.role, last.to == segment.from {
                result[result.count - 1].to = segment.to
            } else {
                result.append(segment)
            }
        }
        return result
    }
}
