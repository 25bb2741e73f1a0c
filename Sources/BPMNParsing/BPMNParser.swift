package import BPMNModel

/// A model file that passed every check.
package struct BPMNResource: Hashable, Sendable {
    package var name: String
    /// The executable processes in file order; never empty.
    package var processes: [ProcessModel]

    package init(name: String, processes: [ProcessModel]) {
        self.name = name
        self.processes = processes
    }
}

/// Reads BPMN 2.0 models in the `zeebe` dialect. Pure: the same bytes give the same model or the same findings.
package struct BPMNParser {
    /// Parses and checks a whole file.
    /// - Parameters:
    ///   - bytes: the file as it was saved, in UTF-8, UTF-16, ASCII or ISO-8859-1.
    ///   - resourceName: the file's name, for findings only.
    /// - Throws: everything that is wrong with the file; broken XML ends at its first wrong place.
    package static func parse(
        _ bytes: [UInt8],
        resourceName: String,
        limits: BPMNLimits = .default
    ) throws(BPMNError) -> BPMNResource {
        let tree: XMLTree
        do {
            tree = try XMLReader.read(bytes, limits: limits)
        } catch {
            let finding = ValidationFinding(
                resourceName: resourceName,
                line: error.position.line,
                column: error.position.column,
                elementID: nil,
                rule: error.rule,
                message: error.message,
                advice: error.advice
            )
            throw BPMNError(findings: [finding])
        }
        var builder = ModelBuilder(tree: tree, resourceName: resourceName, limits: limits)
        let processes = builder.build()
        if let failure = builder.findings.error() { throw failure }
        return BPMNResource(name: resourceName, processes: processes)
    }
}
