import JSON

/// Why a cluster cannot be run on this machine, and what to do.
package struct LocalClusterError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// The nodes of a cluster on one machine, with their ports. Written as JSON: by hand (`cluster/local/cluster.json`),
/// and into the cluster's folder, so that a restart finds the same ports.
package struct LocalClusterDefinition: Equatable, Sendable {
    package struct Node: Equatable, Sendable {
        package var nodeID: UInt64
        /// For clients. 0 takes any free one.
        package var httpPort: Int
        /// For the other nodes. 0 takes any free one.
        package var clusterPort: Int
    }

    package static let version: Int64 = 1
    package static let nodeLimit = 9
    package static let firstClusterPort = 9_301
    static let bytesLimit = 64 << 10

    package var nodes: [Node]
    /// Further options for `thalweg serve`, the same for every node.
    package var serveOptions: [String] = []

    package init(nodes: [Node], serveOptions: [String] = []) {
        self.nodes = nodes
        self.serveOptions = serveOptions
    }

    /// Nodes 1 to `count` with HTTP ports from `httpPort` on; with `httpPort` 0 all ports are any free ones.
    package init(count: Int, httpPort: Int) throws(LocalClusterError) {
        guard (1...Self.nodeLimit).contains(count) else {
            throw LocalClusterError("Expected 1 to \(Self.nodeLimit) nodes, but got \(count)")
        }
        guard (0...65_536 - count).contains(httpPort) else {
            throw LocalClusterError("Expected a port of 0 to \(65_536 - count) for \(count) nodes, but got \(httpPort)")
        }
        nodes = (0..<count).map { index in
            Node(
                nodeID: UInt64(index + 1),
                httpPort: httpPort == 0 ? 0 : httpPort + index,
                clusterPort: httpPort == 0 ? 0 : Self.firstClusterPort + index
            )
        }
    }

    /// Reads a definition; `source` names it in errors.
    package init(json bytes: [UInt8], source: String) throws(LocalClusterError) {
        let document: JSONValue
        do {
            document = try JSONParser.parse(bytes, limits: JSONLimits(bytes: Self.bytesLimit, depth: 4))
        } catch {
            throw LocalClusterError("Expected a local cluster's JSON in '\(source)', but got: \(error.description)")
        }
        try Self.check(document, has: ["version", "nodes", "serveOptions"], source)
        guard document.member("version")?.integerValue == Int(Self.version) else {
            throw LocalClusterError("Expected \"version\": \(Self.version) in '\(source)'")
        }
        guard let items = document.member("nodes")?.arrayValue, (1...Self.nodeLimit).contains(items.count) else {
            throw LocalClusterError("Expected 1 to \(Self.nodeLimit) \"nodes\" in '\(source)'")
        }
        nodes = []
        for item in items {
            try Self.check(item, has: ["nodeId", "httpPort", "clusterPort"], source)
            let id = try Self.number("nodeId", 1...Int(Int32.max), item, source)
            nodes.append(
                Node(
                    nodeID: UInt64(id),
                    httpPort: try Self.number("httpPort", 0...65_535, item, source),
                    clusterPort: try Self.number("clusterPort", 0...65_535, item, source)
                )
            )
        }
        for option in document.member("serveOptions")?.arrayValue ?? [] {
            guard let text = option.stringValue else {
                throw LocalClusterError("Expected strings as \"serveOptions\" in '\(source)'")
            }
            serveOptions.append(text)
        }
        try checkUnique(source)
    }

    private static func check(_ value: JSONValue, has keys: [String], _ source: String) throws(LocalClusterError) {
        guard let object = value.objectValue else {
            throw LocalClusterError("Expected an object in '\(source)', but got \(value.kindName)")
        }
        if let key = object.keys.first(where: { !keys.contains($0) }) {
            let names = keys.map { "\"\($0)\"" }.joined(separator: ", ")
            throw LocalClusterError("Expected \(names) in '\(source)', but got \"\(key.prefix(32))\"")
        }
    }

    private static func number(
        _ key: String,
        _ bounds: ClosedRange<Int>,
        _ value: JSONValue,
        _ source: String
    ) throws(LocalClusterError) -> Int {
        guard let number = value.member(key)?.integerValue, bounds.contains(number) else {
            throw LocalClusterError(
                "Expected a number from \(bounds.lowerBound) to \(bounds.upperBound) as \"\(key)\" of every node in "
                    + "'\(source)'"
            )
        }
        return number
    }

    private func checkUnique(_ source: String) throws(LocalClusterError) {
        let ports = nodes.flatMap { [$0.httpPort, $0.clusterPort] }.filter { $0 != 0 }
        guard Set(ports).count == ports.count, Set(nodes.map(\.nodeID)).count == nodes.count else {
            throw LocalClusterError("Expected every node id and every port once in '\(source)'")
        }
    }

    /// The definition as JSON, one node a line.
    package var json: String {
        let lines = nodes.map { node in
            "    {\"nodeId\": \(node.nodeID), \"httpPort\": \(node.httpPort), \"clusterPort\": \(node.clusterPort)}"
        }
        let options = JSONValue.array(serveOptions.map { .string($0) }).compactText
        return """
            {
              "version": \(Self.version),
              "nodes": [
            \(lines.joined(separator: ",\n"))
              ],
              "serveOptions": \(options)
            }

            """
    }
}
