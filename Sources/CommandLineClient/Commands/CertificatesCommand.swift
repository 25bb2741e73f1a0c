import ArgumentParser
import ClusterCertificates

/// `certs`: the certificates by which the nodes of a cluster know each other. Works on files; asks no server.
struct CertificatesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certs",
        abstract: "Make, renew and show the certificates of a cluster's nodes.",
        discussion: """
            The nodes of a cluster talk to each other over TLS and accept each other by certificate: signed by the \
            cluster's own authority, naming the cluster and the node. The authority's folder (ca.pem, ca.key) \
            belongs on \
            a safe machine, not on a node; each node gets a folder of its own (node.pem, node.key, ca.pem).

            From nothing to three nodes:
              thalweg certs create-ca --out ca
              thalweg certs create-node --ca ca --node 1 --host 10.0.0.1 --out node1
              thalweg certs create-node --ca ca --node 2 --host 10.0.0.2 --out node2
              thalweg certs create-node --ca ca --node 3 --host 10.0.0.3 --out node3

            Once a year, per node:
              thalweg certs renew --ca ca --certs node1
            """,
        subcommands: [
            CreateAuthorityCommand.self, CreateNodeCommand.self, RenewCommand.self, ShowCertificatesCommand.self,
        ]
    )

    /// Runs `body` and turns a failure into a message on standard error and an exit code.
    static func perform(isJSON: Bool = false, _ body: () throws -> Void) throws {
        Interrupts.ignoreBrokenPipes()
        let failure: ClientFailure
        do {
            return try body()
        } catch let error as CertificateError {
            failure = error.kind == .input ? .usage(error.description) : .refused(error.description)
        } catch let error as ClientFailure {
            failure = error
        }
        CommonOptions.report(failure, isJSON: isJSON)
        throw ExitCode(failure.code.rawValue)
    }
}

/// How long a new certificate is valid.
struct ValidityOptions: ParsableArguments {
    @Option(help: "How many days it is valid. Default: 3650 for the authority, 365 for a node.")
    var days: Int64?

    @Option(name: .customLong("not-after"), parsing: .unconditional, help: .hidden)
    var notAfter: Int64?

    func validate() throws {
        guard (-3_153_600_000...3_153_600_000).contains(self.notAfter ?? 0) else {
            throw ValidationError("Expected at most a hundred years in seconds, but got \(self.notAfter ?? 0).")
        }
    }

    func validity(now: Int64, defaultDays: Int64) throws(CertificateError) -> Validity {
        if let notAfter = self.notAfter { return Validity(now: now, seconds: notAfter) }
        return try Validity(now: now, days: self.days ?? defaultDays)
    }
}

/// `certs create-ca`.
struct CreateAuthorityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create-ca",
        abstract: "Make the authority of a new cluster.",
        discussion: """
            Writes ca.pem and ca.key. Whoever has ca.key can make a node of the cluster: keep it off the nodes, and \
            keep \
            a copy, since without it no certificate can be renewed.

            Example:
              thalweg certs create-ca --out ca
            """
    )

    @Option(help: ArgumentHelp("The folder to write to.", valueName: "folder"))
    var out: String

    @Option(help: ArgumentHelp("The cluster's id, 16 hexadecimal digits. Default: by chance.", valueName: "id"))
    var clusterID: String?

    @OptionGroup var validity: ValidityOptions

    @Flag(help: "Replace an authority that is there; the old files stay as ca.pem.old and ca.key.old.")
    var force = false

    func run() async throws {
        try CertificatesCommand.perform {
            let issued = try ClusterAuthority.create(
                in: self.out,
                clusterID: try self.clusterID.map { text throws(CertificateError) in try ClusterIdentifier(text) }
                    ?? .random(),
                validity: try self.validity.validity(now: UTCTime.now(), defaultDays: 3_650),
                isForced: self.force
            )
            try Console.line(
                "Made the authority of cluster \(issued.subject.clusterID) in \(self.out), valid until "
                    + "\(UTCTime.text(issued.validity.notAfter)). Keep ca.key safe and off the nodes."
            )
        }
    }
}

/// `certs create-node`.
struct CreateNodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create-node",
        abstract: "Make the key and certificate of a node.",
        discussion: """
            Writes node.pem, node.key and a copy of the authority's ca.pem: what the node needs, to be copied to its \
            machine by a safe way. Give every name and address under which the others may reach it.

            Example:
              thalweg certs create-node --ca ca --node 1 --host db1.example.com --host 10.0.0.1 --out node1
            """
    )

    @Option(help: ArgumentHelp("The authority's folder.", valueName: "folder"))
    var ca: String

    @Option(
        help: ArgumentHelp("The node's id, 1 or more. No id is used twice in the life of a cluster.", valueName: "n")
    )
    var node: UInt64

    @Option(help: ArgumentHelp("A name or IP address of the node; repeatable.", valueName: "name-or-address"))
    var host: [String]

    @Option(help: ArgumentHelp("The folder to write to.", valueName: "folder"))
    var out: String

    @OptionGroup var validity: ValidityOptions

    @Flag(help: "Replace a node's files that are there; the old ones stay as node.pem.old and node.key.old.")
    var force = false

    func run() async throws {
        try CertificatesCommand.perform {
            let now = UTCTime.now()
            let issued = try ClusterAuthority.createNode(
                self.node,
                hosts: try self.host.map { try HostName($0) },
                authorityFolder: self.ca,
                in: self.out,
                validity: try self.validity.validity(now: now, defaultDays: 365),
                isForced: self.force,
                now: now
            )
            try Console.line(
                "Made the certificate of node \(self.node) of cluster \(issued.subject.clusterID) in \(self.out), "
                    + RenewCommand.end(of: issued)
            )
        }
    }
}

/// `certs renew`.
struct RenewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "renew",
        abstract: "Give a node a new key and certificate with its old id and hosts.",
        discussion: """
            Replaces node.key and node.pem; the old pair stays as node.key.old and node.pem.old. To go back, rename \
            both. \
            It is safe to run beside a running node and to be interrupted. Afterwards tell the node with SIGHUP, which \
            closes no connection:

            Example:
              thalweg certs renew --ca ca --certs /etc/thalweg/certs && systemctl reload thalweg
            """
    )

    @Option(help: ArgumentHelp("The authority's folder.", valueName: "folder"))
    var ca: String

    @Option(help: ArgumentHelp("The node's folder.", valueName: "folder"))
    var certs: String

    @OptionGroup var validity: ValidityOptions

    func run() async throws {
        try CertificatesCommand.perform {
            let now = UTCTime.now()
            let issued = try ClusterAuthority.renew(
                self.certs,
                authorityFolder: self.ca,
                validity: try self.validity.validity(now: now, defaultDays: 365),
                now: now
            )
            try Console.line(
                "Renewed the certificate of node \(issued.subject.nodeID ?? 0) of cluster "
                    + "\(issued.subject.clusterID) in \(self.certs), " + Self.end(of: issued)
            )
        }
    }

    static func end(of issued: ClusterAuthority.Issued) -> String {
        "valid until \(UTCTime.text(issued.validity.notAfter))"
            + (issued.isCut ? ", when the authority ends: time for a new authority." : ".")
    }
}

/// `certs show`.
struct ShowCertificatesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show whom certificates name and how long they are valid.",
        discussion: """
            Takes the folder of a node or an authority, or any file with certificates. In a node's folder it also \
            checks \
            that key, certificate and authority fit together.

            Warns when \(CertificateSummary.warningDays) days or less are left. The exit code is 1 when a \
            certificate has \
            expired, is not valid yet, or cannot be used.

            Example:
              thalweg certs show /etc/thalweg/certs

            With --json one JSON document is printed, with the member certificates.
            """
    )

    @Argument(help: ArgumentHelp("A folder or a file.", valueName: "folder-or-file"))
    var path: String

    @Flag(name: .customLong("json"), help: "Print JSON for programs instead of text for people.")
    var isJSON = false

    func run() async throws {
        try CertificatesCommand.perform(isJSON: self.isJSON) {
            let now = UTCTime.now()
            let report = CertificateReport(summaries: try CertificateSummary.read(self.path, now: now), now: now)
            if self.isJSON {
                try Console.line(report.document.compactText)
            } else {
                let terminal = Terminal.current()
                try Console.lines(report.lines(width: terminal.width, style: terminal.style))
            }
            if report.isFailure { throw ClientFailure(code: .refused, message: "") }
        }
    }
}
