import ArgumentParser
import ClusterCertificates
import CommandLineClient
import Foundation
import Gateway
import Node

/// `cluster`: makes a cluster, changes its members, looks at it.
struct ClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Make a cluster of several machines, look at it, and change its members.",
        discussion: """
            A cluster begins with "certs" (who may take part) and "cluster init" on every founder, then "serve". More \
            nodes come with "cluster join". "cluster local" runs a whole cluster on this machine.
            """,
        subcommands: ClientCommands.clusterSubcommands + [
            ClusterInitCommand.self, ClusterJoinCommand.self, ClusterLocalCommand.self, ClusterResetStateCommand.self,
        ]
    )
}

/// Runs `body`, whose errors say what is wrong with the arguments and the files they name: exit code 2, and no usage
/// text behind them, for the command was written as it should be.
func usage<Result>(_ body: () throws -> Result) throws -> Result {
    do {
        return try body()
    } catch {
        FileHandle.standardError.write(Data("Error: \(error)\n".utf8))
        throw ExitCode(2)
    }
}

/// What `init` and `join` have in common: the folder, the certificates, the address to listen on.
struct FormatOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The node's data folder, new or empty.", valueName: "folder"))
    var data = "./thalweg-data"

    @Option(help: ArgumentHelp("The node's certificate folder (see: thalweg certs).", valueName: "folder"))
    var certs: String

    @Option(
        help: ArgumentHelp(
            "Where to listen for other nodes, if not at the address they reach this one at.",
            valueName: "host:port"
        )
    )
    var listen: String?

    /// Who the node is, by its certificate.
    func identity() throws -> NodeCertificateIdentity {
        try usage { try CertificateFolder.read(certs) }
    }

    func listenAddress() throws -> NodeAddress? { try listen.map { try FormatOptions.address($0, "--listen") } }

    static func address(_ text: String, _ option: String) throws -> NodeAddress {
        guard let address = NodeAddress(text) else {
            throw ValidationError("Expected an address like 10.0.0.1:9301 for \(option), but got '\(text.prefix(80))'.")
        }
        return address
    }
}

/// `cluster init`: formats a founder's data folder.
struct ClusterInitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Format the data folder of a founder of a new cluster.",
        discussion: """
            Run it once on every founder, with the same --members everywhere; which of them this node is, its \
            certificate says. Then start all of them with "thalweg serve". Never repeat it for a node whose disk was \
            lost: such a node comes back with "cluster join" under a new id.

            Example, on the first of three machines:
              thalweg cluster init --data /var/lib/thalweg --certs /etc/thalweg/certs \\
                --members 1=10.0.0.1:9301,2=10.0.0.2:9301,3=10.0.0.3:9301
            """
    )

    @OptionGroup var format: FormatOptions

    @Option(
        help: ArgumentHelp(
            "All founders: node id and the address the others reach it at.",
            valueName: "id=host:port,..."
        )
    )
    var members: String

    func run() throws {
        let identity = try format.identity()
        let listen = try format.listenAddress()
        let settings = try usage {
            let settings = try ClusterSettings(
                founder: identity.nodeID,
                clusterID: identity.clusterID.description,
                certificates: try ClusterSettings.absolute(format.certs),
                members: try ClusterSettings.members(members),
                listen: listen
            )
            try ClusterSettings.initialize(folder: format.data, settings: settings)
            return settings
        }
        for warning in settings.warnings { FileHandle.standardError.write(Data("Warning: \(warning)\n".utf8)) }
        print(
            "node \(settings.nodeID) of cluster \(settings.clusterID) is ready in \(format.data); start it with: "
                + "thalweg serve --data \(format.data)"
        )
    }
}

/// `cluster join`: formats the data folder of a node for a running cluster.
struct ClusterJoinCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join",
        abstract: "Add this machine to a running cluster.",
        discussion: """
            Formats the data folder and asks the cluster to take the node as a learner, which receives everything and \
            has no vote. Then start it with "thalweg serve"; when it has caught up, "thalweg cluster promote" gives it \
            its vote. With --promote this command stays and does so by itself, while you start the node elsewhere.

            Example, on the new machine:
              thalweg cluster join --data /var/lib/thalweg --certs /etc/thalweg/certs \\
                --address 10.0.0.4:9301 --server http://10.0.0.1:8080
            """
    )

    @OptionGroup var format: FormatOptions

    @Option(help: ArgumentHelp("Where the other nodes reach this one.", valueName: "host:port"))
    var address: String

    @Flag(help: "Wait until the node runs and has caught up, then give it its vote.")
    var promote = false

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let identity = try format.identity()
        let own = try FormatOptions.address(address, "--address")
        let listen = try format.listenAddress()
        try usage { try ClusterSettings.checkUnused(format.data) }
        let wish = ClusterJoin(
            node: identity.nodeID,
            clusterID: identity.clusterID.description,
            address: own.description,
            promotionTimeout: promote ? .seconds(3_600) : nil
        )
        try await common.join(wish, dataFolder: format.data) { members in
            let settings = try ClusterSettings(
                joiner: identity.nodeID,
                clusterID: identity.clusterID.description,
                certificates: try ClusterSettings.absolute(format.certs),
                address: own,
                members: members.compactMap { node, text in
                    NodeAddress(text).map { ClusterMember(node: node, address: $0) }
                },
                listen: listen
            )
            try ClusterSettings.initialize(folder: format.data, settings: settings)
        }
    }
}
