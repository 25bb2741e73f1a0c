import ArgumentParser
import ClusterCertificates
import CommandLineClient
import Foundation
import Gateway
import Node

/// `cluster local`: a whole cluster on this machine.
struct ClusterLocalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "local",
        abstract: "Run a cluster on this machine, to try it out and to kill a node.",
        discussion: """
            Makes certificates and data folders in one folder and runs every node as a process of its own, with HTTP \
            ports from 8080 on. Ctrl-C stops all of them; the next start goes on with the same data. A node that ends \
            is not started again: that is what you want to watch.

            EXAMPLES
              thalweg cluster local
              thalweg cluster local --nodes 5 --data /tmp/five --port 9000
              thalweg cluster local --definition cluster/local/cluster.json --fresh
            """
    )

    /// Certificates of a cluster to play with last ten years.
    private static let certificateDays: Int64 = 3_650

    @Option(help: "How many nodes, 1 to 9. Default: 3, or as many as the folder has.")
    var nodes: Int?

    @Option(help: ArgumentHelp("The folder to keep everything in.", valueName: "folder"))
    var data = "./thalweg-local"

    @Option(help: "The HTTP port of the first node; 0 takes free ones. Default: 8080, or what the folder has.")
    var port: Int?

    @Option(help: ArgumentHelp("A JSON file with nodes, ports and options of serve.", valueName: "file"))
    var definition: String?

    @Flag(help: "Throw the cluster in the folder away and begin anew.")
    var fresh = false

    func validate() throws {
        guard definition == nil || (nodes == nil && port == nil) else {
            throw ValidationError("Expected either --definition, or --nodes and --port, but got both.")
        }
    }

    func run() async throws {
        let cluster = try usage {
            let cluster = try LocalCluster(folder: data, wanted: try wanted(), isFresh: fresh)
            try format(cluster)
            return cluster
        }
        let binary = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        try await cluster.run(binary: binary)
    }

    private func wanted() throws -> LocalClusterDefinition? {
        if let definition {
            guard let bytes = FileManager.default.contents(atPath: definition) else {
                throw LocalClusterError("Expected a file at '\(definition)', but it cannot be read")
            }
            return try LocalClusterDefinition(json: Array(bytes), source: definition)
        }
        guard nodes != nil || port != nil else { return nil }
        return try LocalClusterDefinition(count: nodes ?? 3, httpPort: port ?? 8_080)
    }

    /// Makes what is missing: the authority, and each node's certificate and data folder.
    private func format(_ cluster: LocalCluster) throws {
        let validity = try Validity(now: UTCTime.now(), days: Self.certificateDays)
        if access("\(cluster.authority)/\(CertificateFolder.authorityName)", F_OK) != 0 {
            _ = try ClusterAuthority.create(in: cluster.authority, clusterID: .random(), validity: validity)
        }
        let members = cluster.definition.nodes.map { node in
            "\(node.nodeID)=127.0.0.1:\(node.clusterPort)"
        }.joined(separator: ",")
        for node in cluster.definition.nodes {
            let certificates = cluster.certificates(node)
            if access("\(certificates)/\(CertificateFolder.certificateName)", F_OK) != 0 {
                _ = try ClusterAuthority.createNode(
                    node.nodeID,
                    hosts: [try HostName("127.0.0.1"), try HostName("localhost")],
                    authorityFolder: cluster.authority,
                    in: certificates,
                    validity: validity
                )
            }
            let folder = cluster.dataFolder(node)
            guard try !ClusterSettings.isComplete(folder) else { continue }
            let settings = try ClusterSettings(
                founder: node.nodeID,
                clusterID: try CertificateFolder.read(certificates).clusterID.description,
                certificates: certificates,
                members: try ClusterSettings.members(members)
            )
            try ClusterSettings.initialize(folder: folder, settings: settings)
        }
    }
}
