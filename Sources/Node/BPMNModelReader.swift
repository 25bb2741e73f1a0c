package import BPMNModel
import BPMNParsing
package import ProcessEngine

/// Reads BPMN files for the engine.
package struct BPMNModelReader: ModelReader {
    package init() {}

    package func models(in content: [UInt8], resourceName: String) throws(Rejection) -> [ProcessModel] {
        guard resourceName.hasSuffix(".bpmn") || resourceName.hasSuffix(".xml") else {
            throw Rejection(
                .invalidArgument,
                "Expected a BPMN file with the ending .bpmn, but got '\(resourceName)': "
                    + "other resources (DMN, forms) are not supported yet by this version"
            )
        }
        do {
            return try BPMNParser.parse(content, resourceName: resourceName).processes
        } catch {
            throw Rejection(.invalidArgument, error.description)
        }
    }
}
