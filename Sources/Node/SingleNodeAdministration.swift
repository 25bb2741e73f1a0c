package import Gateway

/// A node that is a cluster of its own has itself as its only member.
extension ThalwegNode: ClusterAdministration {
    package func members() async -> [MemberStatus] {
        let status = await clusterStatus()
        let leads = status.groups.filter(\.isLeader).map(\.group)
        return [
            MemberStatus(
                node: status.nodeID,
                address: "",
                role: "voter",
                isConnected: true,
                leads: leads,
                lag: Dictionary(uniqueKeysWithValues: leads.map { ($0, 0) }),
                clockOffsetMilliseconds: 0
            )
        ]
    }

    package func change(_ change: ClusterChange, timeout: Duration) async -> AdministrationOutcome {
        .impossible(
            reason: "this node is a cluster of its own, without certificates; members can be changed where the data "
                + "folder was formatted with 'thalweg cluster init'"
        )
    }

    package func transferLeadership(to node: UInt64?, timeout: Duration) async -> AdministrationOutcome {
        node == nil || node == folder.identity.nodeID
            ? .done : .impossible(reason: "this node is the only one, so there is no other to lead")
    }
}
