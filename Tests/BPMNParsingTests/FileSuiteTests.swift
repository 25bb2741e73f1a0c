import BPMNModel
import BPMNParsing
import Foundation
import Testing

@Suite struct FileSuiteTests {
    @Test(arguments: TestModels.files(in: TestModels.examples))
    func `an example of the documentation is valid and its diagram is complete`(file: URL) throws {
        let bytes = [UInt8](try Data(contentsOf: file))

        let resource = try BPMNParser.parse(bytes, resourceName: file.lastPathComponent)

        let text = String(decoding: bytes, as: UTF8.self)
        let model = try #require(resource.processes.first)
        #expect(model.id == file.deletingPathExtension().lastPathComponent)
        for id in model.elements.dropFirst().map(\.id) + model.flows.map(\.id) {
            #expect(text.contains("bpmnElement=\"\(id)\""), "no diagram for \(id)")
        }
    }

    @Test func `the examples are there`() {
        #expect(TestModels.files(in: TestModels.examples).count >= 8)
    }

    @Test(
        .enabled(
            if: FileManager.default.fileExists(atPath: TestModels.conformanceSuite.path),
            "the BPMN MIWG models are not at ../shared/testdata/bpmn-miwg"
        )
    )
    func `every model of the interchange working group gives a model or findings with lines`() throws {
        let files = TestModels.files(in: TestModels.conformanceSuite)
        #expect(!files.isEmpty)

        for file in files {
            let original = String(decoding: try Data(contentsOf: file), as: UTF8.self)
            // As they are and made executable, so that what is inside is looked at as well.
            for text in [original, original.replacing("isExecutable=\"false\"", with: "isExecutable=\"true\"")] {
                for finding in findings(for: Array(text.utf8)) {
                    #expect(finding.line >= 1 && finding.column >= 1)
                    #expect(finding.message.hasPrefix("Expected "))
                }
            }
        }
    }
}
