import BPMNParsing
import Foundation

/// Model files, and the XML around them.
extension FuzzTarget {
    static let modelTargets = [bpmn]

    private static let bpmn = FuzzTarget(
        name: "bpmn",
        what: "BPMN model files",
        bytesLimit: 16_384,
        seeds: { modelFiles + [Array(smallModel.utf8)] },
        dictionary: [
            "<![CDATA[", "]]>", "<!--", "-->", "<?xml version='1.0'?>", "&amp;", "&#x41;", "<!DOCTYPE a [",
            "xmlns:zeebe=",
            "isExecutable=\\\"true\\\"", "bpmn:process", "bpmn:startEvent", "bpmn:serviceTask", "bpmn:boundaryEvent",
            "bpmn:subProcess", "bpmn:callActivity", "bpmn:sequenceFlow", "sourceRef=", "targetRef=", "attachedToRef=",
            "bpmn:timerEventDefinition", "bpmn:messageEventDefinition", "bpmn:conditionExpression", "zeebe:ioMapping",
            "zeebe:taskDefinition", "zeebe:input source=\\\"=", "zeebe:subscription correlationKey=\\\"=",
        ],
        run: { input in
            do throws(BPMNError) {
                let resource = try BPMNParser.parse(input, resourceName: "a.bpmn")
                guard !resource.processes.isEmpty else { return "a resource without a process" }
                let again = try? BPMNParser.parse(input, resourceName: "a.bpmn")
                return again == resource ? nil : "two models of one file"
            } catch {
                return error.findings.isEmpty ? "a refusal without a reason" : nil
            }
        }
    )

    /// The smaller models of the project's own tests and examples.
    private static var modelFiles: [[UInt8]] {
        // Found beside this file or from the working directory, whichever build it is.
        let here = URL(filePath: #filePath).resolvingSymlinksInPath()
        let root = (0..<4).reduce(here) { url, _ in url.deletingLastPathComponent() }
        let folders = ["Tests/BPMNParsingTests/Models", "Tests/ProcessEngineTests/Models", "docs/examples"]
        return folders.flatMap { folder -> [[UInt8]] in
            let base = root.appending(path: folder)
            let names = FileManager.default.enumerator(atPath: base.path)?.allObjects.compactMap { $0 as? String } ?? []
            return names.sorted().filter { $0.hasSuffix(".bpmn") }.compactMap { name in
                let bytes = (try? Data(contentsOf: base.appending(path: name))).map { [UInt8]($0) } ?? []
                return bytes.isEmpty || bytes.count > 8_192 ? nil : bytes
            }
        }
    }

    private static let smallModel = """
        <bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" \
        xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="t"><bpmn:process id="p" isExecutable="true">\
        <bpmn:startEvent id="s"/><bpmn:sequenceFlow id="f" sourceRef="s" targetRef="t"/><bpmn:serviceTask id="t">\
        <bpmn:extensionElements><zeebe:taskDefinition type="=x" retries="3"/></bpmn:extensionElements></bpmn:serviceTask>\
        <bpmn:sequenceFlow id="g" sourceRef="t" targetRef="e"/><bpmn:endEvent id="e"/></bpmn:process></bpmn:definitions>
        """
}
