import BPMNModel
import BPMNParsing
import Foundation

/// Short ways to write models, and to the files beside the tests.
enum TestModels {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent()
    static let packageRoot = directory.deletingLastPathComponent().deletingLastPathComponent()
    static let examples = packageRoot.appending(path: "docs/examples")
    static let conformanceSuite = packageRoot.deletingLastPathComponent().appending(path: "shared/testdata/bpmn-miwg")

    static func files(in directory: URL) -> [URL] {
        let found = FileManager.default.enumerator(at: directory, includingPropertiesForKeys: nil)
        let files = (found?.allObjects ?? []).compactMap { $0 as? URL }
        return files.filter { $0.pathExtension == "bpmn" }.sorted { $0.path < $1.path }
    }

    static func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: directory.appending(path: "Models").appending(path: path)))
    }

    /// A file around something in its `definitions`.
    static func file(_ content: String) -> String {
        """
        <?xml version="1.0" encoding="UTF-8"?>
        <bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" \
        xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="definitions" targetNamespace="t">
        \(content)
        </bpmn:definitions>
        """
    }

    /// A file with one process `p`.
    static func process(_ body: String, definitions: String = "") -> String {
        file("<bpmn:process id=\"p\" isExecutable=\"true\">\n\(body)\n</bpmn:process>\n\(definitions)")
    }

    /// A process that begins with the start event `s`.
    static func parse(_ body: String, definitions: String = "") throws(BPMNError) -> ProcessModel {
        let text = process("<bpmn:startEvent id=\"s\"/>\n" + body, definitions: definitions)
        let resource = try BPMNParser.parse(Array(text.utf8), resourceName: "test.bpmn")
        return resource.processes[0]
    }

    static func extended(_ tag: String, _ attributes: String, _ extensions: String, _ inside: String = "") -> String {
        "<bpmn:\(tag) \(attributes)><bpmn:extensionElements>\(extensions)</bpmn:extensionElements>\(inside)</bpmn:\(tag)>"
    }

    static func timer(_ tag: String, _ attributes: String, _ kind: String, _ text: String) -> String {
        "<bpmn:\(tag) \(attributes)><bpmn:timerEventDefinition><bpmn:\(kind)>\(text)</bpmn:\(kind)>"
            + "</bpmn:timerEventDefinition></bpmn:\(tag)>"
    }

    static func event(_ tag: String, _ attributes: String, _ definition: String) -> String {
        "<bpmn:\(tag) \(attributes)><bpmn:\(definition)/></bpmn:\(tag)>"
    }

    static func flow(_ id: String, _ source: String, _ target: String, _ condition: String? = nil) -> String {
        let inside = condition.map { "<bpmn:conditionExpression>\($0)</bpmn:conditionExpression>" } ?? ""
        return "<bpmn:sequenceFlow id=\"\(id)\" sourceRef=\"\(source)\" targetRef=\"\(target)\">\(inside)"
            + "</bpmn:sequenceFlow>"
    }

    /// A message with a correlation key.
    static func message(_ id: String, _ name: String, key: String = "=key") -> String {
        extended("message", "id=\"\(id)\" name=\"\(name)\"", "<zeebe:subscription correlationKey=\"\(key)\"/>")
    }

    static let job = "<zeebe:taskDefinition type=\"work\"/>"
    static let service = extended("serviceTask", "id=\"t\"", job)
}

/// The findings for a file, or none.
func findings(for bytes: [UInt8], limits: BPMNLimits = .default) -> [ValidationFinding] {
    do throws(BPMNError) {
        _ = try BPMNParser.parse(bytes, resourceName: "test.bpmn", limits: limits)
        return []
    } catch {
        return error.findings
    }
}
